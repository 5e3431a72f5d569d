/* The smallest useful connector: it sends the canonical event to one address. connectors/README.md shows it.
 * It includes the installed headers of the kit, so the file also compiles outside this tree. */
#include <almoner/kit/answer.h>
#include <almoner/kit/reply_class.h>
#include <almoner/kit/settings.h>
#include <almoner/kit/shell.h>
#include <stdlib.h>

struct skeleton {
	struct kit_instance kit; /* the first member */
	char *url;
};

struct skeleton_attempt {
	struct kit_attempt kit; /* the first member */
	const struct skeleton *settings;
	char key[33];
};

static int skeleton_open(void *instance, struct almoner_traits *traits, struct almoner_error *error)
{
	(void)error;
	struct skeleton *s = instance;
	s->url = kit_settings_text(s->kit.json, "url");
	traits->repeat = ALMONER_REPEAT_KEYED;
	traits->repeat_ttl_ms = 24 * 3600 * 1000;
	return 0;
}

static void skeleton_close(void *instance)
{
	struct skeleton *s = instance;
	free(s->url);
}

static int skeleton_begin(void *attempt, const void *instance, struct almoner_error *error)
{
	struct skeleton_attempt *a = attempt;
	a->settings = instance;
	return a->kit.context.step->purpose == ALMONER_DO ? 0 : kit_error_set(error, "the only purpose is DO");
}

static int skeleton_next(void *attempt, const struct almoner_reply *reply)
{
	struct skeleton_attempt *a = attempt;
	struct kit_answer *answer = &a->kit.answer;
	if (reply != NULL)
		return kit_answer_finish(answer, kit_reply_class_http(reply, ALMONER_EFFECTS), NULL, NULL);
	kit_text_puts(&answer->url, a->settings->url);
	kit_text_put(&answer->body, a->kit.context.step->event);
	kit_answer_header(answer, "Content-Type", kit_text_lit("application/json"));
	kit_answer_header(answer, "Idempotency-Key",
					  kit_text_lit(kit_context_key(a->kit.context.step, "", a->key)));
	return kit_answer_send(answer, "POST", true, ALMONER_EFFECTS);
}

static const struct almoner_option options[] = {
	KIT_OPTION("url", URL, .required = 1, .help = "Where to send"),
};

static const struct kit_shell shell = {
	.instance_bytes = sizeof(struct skeleton),
	.attempt_bytes = sizeof(struct skeleton_attempt),
	.open = skeleton_open,
	.close = skeleton_close,
	.begin = skeleton_begin,
	.next = skeleton_next,
};

KIT_SHELL_CONNECTOR(shell, .name = "skeleton", .version = "1.0", .summary = "Sends the event to one address",
					.proven = "documents only", .options = options,
					.option_count = sizeof options / sizeof *options)
