/* The smallest useful connector: sends the canonical event to one address. connectors/README.md shows it. */
#include <stdlib.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/settings.h"

struct skeleton {
	char *url;
};

struct skeleton_attempt {
	const struct skeleton *settings;
	const struct almoner_step *step;
	struct kit_answer answer;
	char key[33];
};

static int skeleton_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
						 struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	json_t *json AUTO_JSON = kit_json_parse(settings);
	struct skeleton *s = calloc(1, sizeof *s);
	if (s == NULL)
		return kit_error_set(error, "out of memory");
	s->url = kit_settings_text(json, "url");
	traits->repeat = ALMONER_REPEAT_KEYED;
	traits->repeat_ttl_ms = 24 * 3600 * 1000;
	*instance = s;
	return 0;
}

static void skeleton_close(void *instance)
{
	struct skeleton *s = instance;
	free(s->url);
	free(s);
}

static int skeleton_begin(void *instance, const struct almoner_step *step, void **attempt,
						  struct almoner_error *error)
{
	if (step->purpose != ALMONER_DO)
		return kit_error_set(error, "only \"do\" is known here");
	struct skeleton_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return kit_error_set(error, "out of memory");
	a->settings = instance;
	a->step = step;
	kit_answer_init(&a->answer, NULL);
	*attempt = a;
	return 0;
}

static int skeleton_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
						 struct almoner_error *error)
{
	struct skeleton_attempt *a = attempt;
	kit_answer_start(&a->answer);
	if (reply != NULL)
		return kit_answer_finish(&a->answer, kit_reply_class_http(reply, ALMONER_EFFECTS), reply, NULL, NULL,
								 action, error);
	kit_text_puts(&a->answer.url, a->settings->url);
	kit_text_put(&a->answer.body, a->step->event);
	kit_answer_header(&a->answer, "Content-Type", kit_text_lit("application/json"));
	kit_answer_header(&a->answer, "Idempotency-Key", kit_text_lit(kit_context_key(a->step, "", a->key)));
	return kit_answer_send(&a->answer, "POST", true, ALMONER_EFFECTS, action, error);
}

static void skeleton_end(void *attempt)
{
	struct skeleton_attempt *a = attempt;
	kit_answer_free(&a->answer);
	free(a);
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_option options[] = {
		{ .name = "url", .type = ALMONER_OPTION_URL, .required = 1, .help = "Where to send" },
	};
	static const struct almoner_connector self = {
		.size = sizeof(struct almoner_connector),
		.abi_major = ALMONER_ABI_MAJOR,
		.abi_minor = ALMONER_ABI_MINOR,
		.name = "skeleton",
		.version = "1.0",
		.summary = "Sends the event to one address",
		.proven = "documents only",
		.options = options,
		.option_count = sizeof options / sizeof *options,
		.option_size = sizeof *options,
		.open = skeleton_open,
		.close = skeleton_close,
		.begin = skeleton_begin,
		.next = skeleton_next,
		.end = skeleton_end,
	};
	return &self;
}
