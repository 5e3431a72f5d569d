#include "gateway/admin/verbs/dry_run.h"

#include <assert.h>

#include "gateway/admin/verbs/config_rules.h"
#include "saga/base/entropy.h"

struct rules_ctx {
	const struct config *config;
	struct step_rules rules; /* what the last call of rules_of returned */
};

/* The retry times of a missing target are those that the options have by default; a dry run sends nothing. */
static const struct step_rules *rules_of(void *ctx, const char *target)
{
	struct rules_ctx *r = ctx;
	int at = config_find_target(r->config, str_of(target));
	r->rules = at >= 0 ? config_rules(&r->config->targets[at])
					   : (struct step_rules){ .repeat = REPEAT_UNSAFE,
											  .retry = { .first_ms = 1000, .factor = 2, .cap_ms = 3600000 },
											  .missing = true };
	return &r->rules;
}

int dry_run_verb(struct saga *s, const struct config *config, int64_t now_ms, const struct verb_call *call,
				 unsigned *ret_changed, unsigned *ret_doubt, struct err *err)
{
	assert(now_ms > 0 && call->step >= -1);
	struct records log = { 0 };
	struct rules_ctx rules = { .config = config };
	struct decide d = {
		.saga = s, .now_ms = now_ms, .rnd = entropy_system(), .rules = { &rules, rules_of }, .log = &log
	};
	int rc = decide_verb(&d, call, ret_changed, ret_doubt, err);
	records_free(&log);
	return rc;
}
