/* A connector with two effects for the scenarios: the contact, then the gift; undone in reverse. With
 * `lookup` it looks before it makes the contact. With `fault` it meets a bug of its own after the first
 * effect. */
#include <stdlib.h>
#include <string.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/settings.h"

struct pair {
	char *url;
	bool looks;
	bool fault;
};

enum pair_phase { BEGUN, FINDING, FIRST, SECOND, LOOKING };

struct pair_attempt {
	const struct pair *settings;
	const struct almoner_step *step;
	struct kit_answer answer;
	enum pair_phase phase;
	char key[33];
};

struct pair_exchange {
	struct pair_attempt *a;
	const struct almoner_reply *reply;
	struct almoner_action *action;
	struct almoner_error *error;
};

static uint32_t repeat_of(const json_t *json)
{
	static const char *const names[] = { "idempotent", "keyed", "queryable", "unsafe" };
	for (uint32_t i = 0; i < 4; i++)
		if (kit_settings_choice_is(json, "repeat", names[i]))
			return ALMONER_REPEAT_IDEMPOTENT + i;
	return 0;
}

static int pair_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					 struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	json_t *json AUTO_JSON = kit_json_parse(settings);
	struct pair *p = calloc(1, sizeof *p);
	if (p == NULL)
		return kit_error_set(error, "out of memory");
	p->url = kit_settings_text(json, "url");
	p->looks = kit_settings_bool(json, "lookup");
	p->fault = kit_settings_bool(json, "fault");
	traits->repeat = repeat_of(json);
	traits->repeat_ttl_ms = (uint64_t)kit_settings_integer(json, "ttl", 0);
	traits->capabilities = ALMONER_CAN_UNDO | (p->looks ? ALMONER_CAN_LOOKUP : 0u);
	*instance = p;
	return 0;
}

static void pair_close(void *instance)
{
	struct pair *p = instance;
	free(p->url);
	free(p);
}

static int pair_begin(void *instance, const struct almoner_step *step, void **attempt,
					  struct almoner_error *error)
{
	struct pair_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return kit_error_set(error, "out of memory");
	a->settings = instance;
	a->step = step;
	kit_answer_init(&a->answer, NULL);
	*attempt = a;
	return 0;
}

static int send(struct pair_exchange *t, enum pair_phase phase, const char *label)
{
	struct pair_attempt *a = t->a;
	bool reads = phase == FINDING || phase == LOOKING;
	a->phase = phase;
	kit_text_printf(&a->answer.url, "%s/%s", a->settings->url, label);
	kit_text_put(&a->answer.body, a->step->event);
	kit_answer_header(&a->answer, "Idempotency-Key", kit_text_lit(kit_context_key(a->step, label, a->key)));
	return kit_answer_send(&a->answer, reads ? "GET" : "POST", !reads,
						   reads ? ALMONER_READS : ALMONER_EFFECTS, t->action, t->error);
}

static int send_first(struct pair_exchange *t)
{
	return send(t, FIRST, t->a->step->purpose == ALMONER_UNDO ? "void" : "contact");
}

static int send_second(struct pair_exchange *t)
{
	int rc = send(t, SECOND, t->a->step->purpose == ALMONER_UNDO ? "remove" : "gift");
	t->action->checkpoint = kit_text_lit("the first is done");
	return rc;
}

static int start(struct pair_exchange *t)
{
	const struct almoner_step *step = t->a->step;
	if (step->purpose == ALMONER_LOOKUP)
		return send(t, LOOKING, "look");
	if (step->checkpoint.p != NULL)
		return send_second(t);
	if (step->purpose == ALMONER_DO && t->a->settings->looks)
		return send(t, FINDING, "find");
	return send_first(t);
}

static int finish(struct pair_exchange *t, uint32_t result_class)
{
	return kit_answer_finish(&t->a->answer, result_class, t->reply, NULL, NULL, t->action, t->error);
}

static int pair_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					 struct almoner_error *error)
{
	struct pair_attempt *a = attempt;
	struct pair_exchange t = { a, reply, action, error };
	kit_answer_start(&a->answer);
	if (a->phase == BEGUN)
		return start(&t);
	uint32_t result_class = kit_reply_class_http(
		reply, a->phase == FINDING || a->phase == LOOKING ? ALMONER_READS : ALMONER_EFFECTS);
	bool absent = reply->status == 404;
	if (a->phase == FINDING && absent)
		return send_first(&t);
	if (a->phase == LOOKING && absent)
		return finish(&t, ALMONER_ABSENT);
	if (result_class != ALMONER_OK || a->phase == SECOND || a->phase == LOOKING)
		return finish(&t, result_class);
	if (a->phase == FIRST && a->settings->fault)
		return kit_error_set(error, "the template of the gift is broken");
	return send_second(&t);
}

static void pair_end(void *attempt)
{
	struct pair_attempt *a = attempt;
	kit_answer_free(&a->answer);
	free(a);
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_option options[] = {
		{ .name = "url", .type = ALMONER_OPTION_URL, .required = 1, .help = "What the paths stand below" },
		{ .name = "repeat",
		  .type = ALMONER_OPTION_CHOICE,
		  .required = 1,
		  .choices = "idempotent|keyed|queryable|unsafe",
		  .help = "What sending twice does" },
		{ .name = "ttl", .type = ALMONER_OPTION_DURATION, .fallback = "\"24h\"", .help = "Of a key" },
		{ .name = "lookup", .type = ALMONER_OPTION_BOOLEAN, .fallback = "false", .help = "Can be asked" },
		{ .name = "fault", .type = ALMONER_OPTION_BOOLEAN, .fallback = "false", .help = "After one effect" },
	};
	static const struct almoner_connector self = {
		.size = sizeof(struct almoner_connector),
		.abi_major = ALMONER_ABI_MAJOR,
		.abi_minor = ALMONER_ABI_MINOR,
		.name = "pair",
		.version = "1.0",
		.summary = "Two effects in one step",
		.proven = "documents only",
		.options = options,
		.option_count = sizeof options / sizeof *options,
		.option_size = sizeof *options,
		.open = pair_open,
		.close = pair_close,
		.begin = pair_begin,
		.next = pair_next,
		.end = pair_end,
	};
	return &self;
}
