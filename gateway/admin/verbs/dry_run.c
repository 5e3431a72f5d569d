#include "gateway/admin/verbs/dry_run.h"

#include <assert.h>

#include "saga/base/entropy.h"

/* The rules of a target for a dry run. Only `missing` matters here: repeat class and retry times decide what
 * happens after a verb, not whether the verb applies. */
static const struct step_rules *rules_of(void *ctx, const char *target)
{
	static const struct step_rules present = {
		.repeat = REPEAT_UNSAFE, .retry = { .first_ms = 1000, .factor = 2, .cap_ms = 3600000 }
	};
	static const struct step_rules missing = {
		.repeat = REPEAT_UNSAFE,
		.retry = { .first_ms = 1000, .factor = 2, .cap_ms = 3600000 },
		.missing = true,
	};
	return config_find_target(ctx, str_of(target)) >= 0 ? &present : &missing;
}

int dry_run_verb(struct saga *s, const struct config *config, int64_t now_ms, const struct verb_call *call,
				 unsigned *ret_changed, unsigned *ret_doubt, struct err *err)
{
	assert(now_ms > 0 && call->step >= -1);
	struct records log = { 0 };
	struct decide d = { .saga = s,
						.now_ms = now_ms,
						.rnd = entropy_system(),
						.rules = { (void *)(uintptr_t)config, rules_of },
						.log = &log };
	int rc = decide_verb(&d, call, ret_changed, ret_doubt, err);
	records_free(&log);
	return rc;
}
