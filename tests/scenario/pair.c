/* A connector with two effects, for the scenarios: it creates a contact and then a gift, and undoes them in
 * reverse order. With the setting `lookup` it looks for the contact before it creates it. With the setting
 * `fault` it fails after the first effect, as if it had a bug. */
#include <stdlib.h>
#include <string.h>

#include "connectors/kit/error.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/shell.h"

struct pair {
	struct kit_instance kit;
	char *url;
	bool looks;
	bool fault;
};

/* Which request was sent last: the next reply answers it. */
enum pair_phase { BEGUN, FINDING, FIRST, SECOND, LOOKING };

struct pair_attempt {
	struct kit_attempt kit;
	const struct pair *settings;
	enum pair_phase phase;
	char key[33];
};

static int pair_open(void *instance, struct almoner_traits *traits, struct almoner_error *error)
{
	(void)error;
	struct pair *p = instance;
	p->url = kit_settings_text(p->kit.json, "url");
	p->looks = kit_settings_bool(p->kit.json, "lookup");
	p->fault = kit_settings_bool(p->kit.json, "fault");
	traits->repeat = kit_settings_repeat(p->kit.json, "repeat");
	traits->repeat_ttl_ms = (uint64_t)kit_settings_integer(p->kit.json, "ttl", 0);
	traits->capabilities = ALMONER_CAN_UNDO | (p->looks ? ALMONER_CAN_LOOKUP : 0u);
	return 0;
}

static void pair_close(void *instance)
{
	struct pair *p = instance;
	free(p->url);
}

static int pair_begin(void *attempt, const void *instance, struct almoner_error *error)
{
	(void)error;
	struct pair_attempt *a = attempt;
	a->settings = instance;
	return 0;
}

static int send(struct pair_attempt *a, enum pair_phase phase, const char *label)
{
	struct kit_answer *answer = &a->kit.answer;
	const struct almoner_step *step = a->kit.context.step;
	bool reads = phase == FINDING || phase == LOOKING;
	a->phase = phase;
	kit_text_printf(&answer->url, "%s/%s", a->settings->url, label);
	kit_text_put(&answer->body, step->event);
	kit_answer_header(answer, "Idempotency-Key", kit_text_lit(kit_context_key(step, label, a->key)));
	return kit_answer_send(answer, reads ? "GET" : "POST", !reads, reads ? ALMONER_READS : ALMONER_EFFECTS);
}

static int send_first(struct pair_attempt *a)
{
	return send(a, FIRST, a->kit.context.step->purpose == ALMONER_UNDO ? "void" : "contact");
}

static int send_second(struct pair_attempt *a)
{
	kit_text_puts(&a->kit.answer.checkpoint, "the first is done");
	return send(a, SECOND, a->kit.context.step->purpose == ALMONER_UNDO ? "remove" : "gift");
}

static int start(struct pair_attempt *a)
{
	const struct almoner_step *step = a->kit.context.step;
	if (step->purpose == ALMONER_LOOKUP)
		return send(a, LOOKING, "look");
	if (step->checkpoint.p != NULL)
		return send_second(a);
	if (step->purpose == ALMONER_DO && a->settings->looks)
		return send(a, FINDING, "find");
	return send_first(a);
}

static int finish(struct pair_attempt *a, uint32_t result_class)
{
	return kit_answer_finish(&a->kit.answer, result_class, NULL, NULL);
}

static int pair_next(void *attempt, const struct almoner_reply *reply)
{
	struct pair_attempt *a = attempt;
	if (a->phase == BEGUN)
		return start(a);
	uint32_t result_class = kit_reply_class_http(
		reply, a->phase == FINDING || a->phase == LOOKING ? ALMONER_READS : ALMONER_EFFECTS);
	bool absent = reply->status == 404;
	if (a->phase == FINDING && absent)
		return send_first(a);
	if (a->phase == LOOKING && absent)
		return finish(a, ALMONER_ABSENT);
	if (result_class != ALMONER_OK || a->phase == SECOND || a->phase == LOOKING)
		return finish(a, result_class);
	if (a->phase == FIRST && a->settings->fault)
		return kit_error_set(a->kit.answer.error, "the template of the gift is broken");
	return send_second(a);
}

static const struct almoner_option options[] = {
	KIT_OPTION("url", URL, .required = 1, .help = "The address before the paths of the requests"),
	KIT_OPTION("repeat", CHOICE, .required = 1, .choices = "idempotent|keyed|queryable|unsafe",
			   .help = "What happens if a request is sent twice"),
	KIT_OPTION("ttl", DURATION, .fallback = "\"24h\"", .help = "How long the target remembers a key"),
	KIT_OPTION("lookup", BOOLEAN, .fallback = "false", .help = "The connector can look up the contact"),
	KIT_OPTION("fault", BOOLEAN, .fallback = "false", .help = "The connector fails after the first effect"),
};

static const struct kit_shell shell = {
	.instance_bytes = sizeof(struct pair),
	.attempt_bytes = sizeof(struct pair_attempt),
	.open = pair_open,
	.close = pair_close,
	.begin = pair_begin,
	.next = pair_next,
};

KIT_SHELL_CONNECTOR(shell, .name = "pair", .version = "1.0", .summary = "Two effects in one step",
					.proven = "documents only", .options = options,
					.option_count = sizeof options / sizeof *options)
