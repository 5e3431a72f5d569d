/* The email connector: one message to one recipient by SMTP. Nobody can tell a second mail from the first, so
 * it is `unsafe`; its Message-ID is the step's key, which lets the receiving side recognise a repeat. */
#include <stdlib.h>
#include <string.h>

#include "connectors/email/email_settings.h"
#include "connectors/email/mime.h"
#include "connectors/kit/date.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/template.h"

struct email_attempt {
	const struct email_settings *settings;
	struct kit_context context;
	struct kit_answer answer;
	struct kit_text to;
	struct kit_text id; /* Message-ID with its brackets */
	struct kit_text message;
	bool sent;
};

/* ---- the message ---- */

static bool render_recipient(struct email_attempt *a, struct kit_problem *problem)
{
	struct kit_problem inner = { 0 };
	if (!kit_template_text(a->settings->to, &a->context, KIT_ESCAPE_NONE, &a->to, &inner))
		return kit_problem_set(problem, inner.result_class, "no address to write to: %.300s", inner.text);
	const char *fault = mime_address_fault(kit_text_view(&a->to).p);
	return fault == NULL || kit_problem_set(problem, ALMONER_REJECTED, "the recipient's address %s", fault);
}

static bool put_template_header(struct email_attempt *a, const char *name, const char *template,
								struct kit_problem *problem)
{
	struct kit_text value AUTO_TEXT = { 0 };
	if (!kit_template_text(template, &a->context, KIT_ESCAPE_HEADER, &value, problem))
		return false;
	mime_header(&a->message, name, kit_text_view(&value).p);
	return true;
}

static void put_date(struct email_attempt *a)
{
	int64_t at = a->context.step->accepted_ms;
	int offset = 0;
	char date[KIT_DATE_BYTES];
	/* Without a moment that stays the same on every attempt the date is left to the mail server. */
	if (at <= 0 && !kit_date_of_event(&a->context, &at, &offset))
		return;
	kit_date_mail(at, offset, date);
	mime_header(&a->message, "Date", date);
}

static bool put_own_headers(struct email_attempt *a, struct kit_problem *problem)
{
	const char *name = NULL;
	json_t *value = NULL;
	json_object_foreach(kit_json_at(a->settings->headers, ""), name, value)
	{
		if (!put_template_header(a, name, json_string_value(value), problem))
			return false;
	}
	return true;
}

static bool put_head(struct email_attempt *a, struct kit_problem *problem)
{
	const struct email_settings *s = a->settings;
	mime_mailbox(&a->message, "From", s->from_name, s->from);
	mime_mailbox(&a->message, "To", NULL, kit_text_view(&a->to).p);
	if (s->reply_to != NULL)
		mime_mailbox(&a->message, "Reply-To", NULL, s->reply_to);
	if (!put_template_header(a, "Subject", s->subject, problem))
		return false;
	put_date(a);
	kit_text_printf(&a->message, "Message-ID: %s\r\nAuto-Submitted: auto-generated\r\n",
					kit_text_view(&a->id).p);
	if (!put_own_headers(a, problem))
		return false;
	kit_text_puts(&a->message, "MIME-Version: 1.0\r\n");
	return true;
}

static bool put_part(struct email_attempt *a, const struct kit_mustache *m, const char *type,
					 enum kit_escape escape, struct kit_problem *problem)
{
	struct kit_text body AUTO_TEXT = { 0 };
	if (!kit_mustache_render(m, &a->context, escape, &body, problem))
		return false;
	mime_text_part(&a->message, type, &body);
	return true;
}

static bool put_body(struct email_attempt *a, const char *key, struct kit_problem *problem)
{
	const struct email_settings *s = a->settings;
	if (s->html == NULL)
		return put_part(a, s->text, "text/plain", KIT_ESCAPE_NONE, problem);
	/* "=_" cannot come up in quoted-printable, so the boundary is in no part. */
	kit_text_printf(&a->message,
					"Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n--=_%s\r\n", key, key);
	if (!put_part(a, s->text, "text/plain", KIT_ESCAPE_NONE, problem))
		return false;
	kit_text_printf(&a->message, "--=_%s\r\n", key);
	if (!put_part(a, s->html, "text/html", KIT_ESCAPE_HTML, problem))
		return false;
	kit_text_printf(&a->message, "--=_%s--\r\n", key);
	return true;
}

static bool compose(struct email_attempt *a, struct kit_problem *problem)
{
	char key[33];
	if (!kit_context_load(&a->context, problem) || !render_recipient(a, problem))
		return false;
	(void)kit_context_key(a->context.step, "", key);
	kit_text_printf(&a->id, "<%s@%s>", key, mime_domain(a->settings->from));
	if (!put_head(a, problem) || !put_body(a, key, problem))
		return false;
	return !a->message.failed || kit_problem_set(problem, ALMONER_FAULT, "the message is too large");
}

/* ---- the interface ---- */

static int send_mail(struct email_attempt *a, struct almoner_action *action, struct almoner_error *error)
{
	const struct email_settings *s = a->settings;
	struct kit_problem problem = { 0 };
	if (!compose(a, &problem))
		return kit_answer_problem(&a->answer, &problem, action, error);
	a->sent = true;
	action->kind = ALMONER_SEND_MAIL;
	action->effect = ALMONER_EFFECTS;
	action->mail = (struct almoner_mail){ .host = kit_text_lit(s->host),
										  .port = s->port,
										  .tls = s->tls,
										  .username = kit_text_lit(s->username),
										  .password = kit_text_lit(s->password),
										  .from = kit_text_lit(s->from),
										  .to = kit_text_view(&a->to),
										  .message = kit_text_view(&a->message) };
	return 0;
}

static int read_reply(struct email_attempt *a, const struct almoner_reply *reply,
					  struct almoner_action *action, struct almoner_error *error)
{
	uint32_t result_class = kit_reply_class_smtp(reply->status);
	if (result_class == ALMONER_OK) {
		size_t len = reply->body.p != NULL ? reply->body.len : 0;
		kit_text_puts(&a->answer.result, "{\"id\":");
		kit_text_json_string(&a->answer.result, kit_text_view(&a->id).p, a->id.len);
		kit_text_puts(&a->answer.result, ",\"reply\":");
		kit_text_json_string(&a->answer.result, reply->body.p, len < 200 ? len : 200);
		kit_text_putc(&a->answer.result, '}');
	}
	return kit_answer_finish(&a->answer, result_class, reply, NULL, NULL, action, error);
}

static int email_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					  struct almoner_error *error)
{
	struct email_attempt *a = attempt;
	if ((reply == NULL) == a->sent)
		return kit_error_set(error, "next was called out of turn");
	kit_answer_start(&a->answer);
	return reply == NULL ? send_mail(a, action, error) : read_reply(a, reply, action, error);
}

static int email_begin(void *instance, const struct almoner_step *step, void **attempt,
					   struct almoner_error *error)
{
	const struct email_settings *settings = instance;
	if (step->purpose != ALMONER_DO)
		return kit_error_set(error, "a mail can be neither taken back nor looked up");
	struct email_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return kit_error_set(error, "out of memory");
	a->settings = settings;
	kit_context_init(&a->context, step);
	kit_answer_init(&a->answer, &settings->secrets);
	*attempt = a;
	return 0;
}

static void email_end(void *attempt)
{
	struct email_attempt *a = attempt;
	kit_context_finish(&a->context);
	kit_answer_free(&a->answer);
	kit_text_free(&a->to);
	kit_text_free(&a->id);
	kit_text_free(&a->message);
	free(a);
}

static void email_close(void *instance)
{
	email_settings_free(instance);
	free(instance);
}

static int email_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					  struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	struct email_settings *s = calloc(1, sizeof *s);
	if (s == NULL)
		return kit_error_set(error, "out of memory");
	if (email_settings_read(s, settings, error) != 0) {
		email_close(s);
		return -1;
	}
	traits->repeat = ALMONER_REPEAT_UNSAFE;
	*instance = s;
	return 0;
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_connector self = {
		.size = sizeof(struct almoner_connector),
		.abi_major = ALMONER_ABI_MAJOR,
		.abi_minor = ALMONER_ABI_MINOR,
		.name = "email",
		.version = "1.0",
		.summary = "Thanks a donor by mail: text and HTML from Mustache files, sent by SMTP",
		.proven = "documents only",
		.options = email_settings_options,
		.option_count = EMAIL_OPTION_COUNT,
		.option_size = sizeof(struct almoner_option),
		.open = email_open,
		.close = email_close,
		.begin = email_begin,
		.next = email_next,
		.end = email_end,
	};
	return &self;
}
