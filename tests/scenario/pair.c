/* A connector with two effects for the scenarios: the contact, then the gift; undone in reverse. With
 * `lookup` it looks before it makes the contact. With `fault` it meets a bug of its own after the first
 * effect. */
#include <stdlib.h>
#include <string.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/http_class.h"
#include "connectors/kit/json.h"
#include "connectors/kit/settings.h"

struct pair {
	char *url;
	bool looks;
	bool fault;
};

enum phase { BEGUN, FINDING, FIRST, SECOND, LOOKING };

struct attempt {
	const struct pair *settings;
	const struct almoner_step *step;
	struct answer answer;
	enum phase phase;
	char key[33];
};

struct turn {
	struct attempt *a;
	const struct almoner_reply *reply;
	struct almoner_action *action;
	struct almoner_error *error;
};

static uint32_t repeat_of(const json_t *json)
{
	static const char *const names[] = { "idempotent", "keyed", "queryable", "unsafe" };
	for (uint32_t i = 0; i < 4; i++)
		if (settings_choice_is(json, "repeat", names[i]))
			return ALMONER_REPEAT_IDEMPOTENT + i;
	return 0;
}

static int pair_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					 struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	json_t *json AUTO_JSON = json_parse(settings);
	struct pair *p = calloc(1, sizeof *p);
	if (p == NULL)
		return error_set(error, "out of memory");
	p->url = settings_text(json, "url");
	p->looks = settings_bool(json, "lookup");
	p->fault = settings_bool(json, "fault");
	traits->repeat = repeat_of(json);
	traits->repeat_ttl_ms = (uint64_t)settings_integer(json, "ttl", 0);
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
	struct attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return error_set(error, "out of memory");
	a->settings = instance;
	a->step = step;
	answer_init(&a->answer, NULL);
	*attempt = a;
	return 0;
}

static int send(struct turn *t, enum phase phase, const char *label)
{
	struct attempt *a = t->a;
	bool reads = phase == FINDING || phase == LOOKING;
	a->phase = phase;
	text_printf(&a->answer.url, "%s/%s", a->settings->url, label);
	text_put(&a->answer.body, a->step->event);
	answer_header(&a->answer, "Idempotency-Key", text_lit(context_key(a->step, label, a->key)));
	return answer_send(&a->answer, reads ? "GET" : "POST", !reads, reads ? ALMONER_READS : ALMONER_EFFECTS,
					   t->action, t->error);
}

static int send_first(struct turn *t)
{
	return send(t, FIRST, t->a->step->purpose == ALMONER_UNDO ? "void" : "contact");
}

static int send_second(struct turn *t)
{
	int rc = send(t, SECOND, t->a->step->purpose == ALMONER_UNDO ? "remove" : "gift");
	t->action->checkpoint = text_lit("the first is done");
	return rc;
}

static int start(struct turn *t)
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

static int finish(struct turn *t, uint32_t result_class)
{
	return answer_finish(&t->a->answer, result_class, t->reply, NULL, NULL, t->action, t->error);
}

static int pair_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					 struct almoner_error *error)
{
	struct attempt *a = attempt;
	struct turn t = { a, reply, action, error };
	answer_start(&a->answer);
	if (a->phase == BEGUN)
		return start(&t);
	uint32_t result_class =
		http_class(reply, a->phase == FINDING || a->phase == LOOKING ? ALMONER_READS : ALMONER_EFFECTS);
	bool absent = reply->status == 404;
	if (a->phase == FINDING && absent)
		return send_first(&t);
	if (a->phase == LOOKING && absent)
		return finish(&t, ALMONER_ABSENT);
	if (result_class != ALMONER_OK || a->phase == SECOND || a->phase == LOOKING)
		return finish(&t, result_class);
	if (a->phase == FIRST && a->settings->fault)
		return error_set(error, "the template of the gift is broken");
	return send_second(&t);
}

static void pair_end(void *attempt)
{
	struct attempt *a = attempt;
	answer_free(&a->answer);
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
