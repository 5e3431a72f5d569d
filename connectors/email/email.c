/* The email connector: one message to one recipient by SMTP. A mail server does not recognise a repeated
 * message, so the connector is `unsafe`. The Message-ID is made of the step's key: it is the same on every
 * attempt, and the recipient's mail program may hide the second copy. */
#include <stdlib.h>

#include "connectors/email/email_settings.h"
#include "connectors/email/mime.h"
#include "connectors/kit/date.h"
#include "connectors/kit/escape.h"
#include "connectors/kit/json.h"
#include "connectors/kit/mail_address.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/template.h"

/* How much of the server's last reply goes into the result. It names the queue id. Chosen; no measurement. */
#define REPLY_BYTES_MAX 200

struct email_attempt {
	struct kit_attempt kit;
	const struct email_settings *settings;
	struct kit_text to;
	struct kit_text id; /* Message-ID with its angle brackets */
	struct kit_text message;
};

/* ---- the message ---- */

/* The address comes from the event, so it is checked here and not when the instance is opened. */
static bool render_recipient(struct email_attempt *a, struct kit_problem *problem)
{
	struct kit_problem inner = { 0 };
	if (!kit_template_text(a->settings->to, &a->kit.context, KIT_ESCAPE_NONE, &a->to, &inner))
		return kit_problem_set(problem, inner.result_class, "there is no recipient: %.300s", inner.text);
	const char *fault = kit_mail_address_fault(kit_text_view(&a->to).p);
	return fault == NULL || kit_problem_set(problem, ALMONER_REJECTED, "the recipient's address: %s", fault);
}

static bool put_template_header(struct email_attempt *a, const char *name, const char *template,
								struct kit_problem *problem)
{
	struct kit_text value AUTO_TEXT = { 0 };
	if (!kit_template_text(template, &a->kit.context, KIT_ESCAPE_HEADER, &value, problem))
		return false;
	mime_header(&a->message, name, kit_text_view(&value).p);
	return true;
}

/* The Date must be the same on every attempt. If neither the gateway nor the event gives such a time, the
 * mail server adds the date. */
static void put_date(struct email_attempt *a)
{
	int64_t at = a->kit.context.step->accepted_ms;
	int offset = 0;
	char date[KIT_DATE_BYTES];
	if (at <= 0 && !kit_date_of_event(&a->kit.context, &at, &offset))
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

/* Without "Auto-Submitted" the mail would trigger out-of-office replies (RFC 3834). */
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
	if (!kit_mustache_render(m, &a->kit.context, escape, &body, problem))
		return false;
	mime_text_part(&a->message, type, &body);
	return true;
}

/* Text alone, or text and HTML as alternatives with the better one last (RFC 2046). */
static bool put_body(struct email_attempt *a, const char *key, struct kit_problem *problem)
{
	const struct email_settings *s = a->settings;
	if (s->html == NULL)
		return put_part(a, s->text, "text/plain", KIT_ESCAPE_NONE, problem);
	/* No part contains the boundary: quoted-printable never produces "=_". */
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

/* Writes the whole message before anything is sent, so that a template that fails has no effect. */
static bool compose(struct email_attempt *a, struct kit_problem *problem)
{
	char key[33];
	if (!kit_context_load(&a->kit.context, problem) || !render_recipient(a, problem))
		return false;
	kit_context_key(a->kit.context.step, "", key);
	kit_text_printf(&a->id, "<%s@%s>", key, kit_mail_address_domain(a->settings->from));
	if (!put_head(a, problem) || !put_body(a, key, problem))
		return false;
	return !a->message.failed || kit_problem_set(problem, ALMONER_FAULT,
												 "the message is larger than %zu bytes", KIT_TEXT_BYTES_MAX);
}

/* ---- the interface ---- */

/* One exchange is all: SMTP has no request that reads. */
static int send_mail(struct email_attempt *a)
{
	const struct email_settings *s = a->settings;
	struct kit_problem problem = { 0 };
	if (!compose(a, &problem))
		return kit_answer_problem(&a->kit.answer, &problem);
	struct almoner_action *action = a->kit.answer.action;
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

static int read_reply(struct email_attempt *a, const struct almoner_reply *reply)
{
	uint32_t result_class = kit_reply_class_smtp(reply->status);
	struct kit_text *result = &a->kit.answer.result;
	if (result_class == ALMONER_OK) {
		size_t len = reply->body.p != NULL ? reply->body.len : 0;
		kit_text_putc(result, '{');
		kit_escape_json_member(result, "id", kit_text_view(&a->id).p);
		kit_text_puts(result, ",\"reply\":");
		kit_escape_json_string(result, reply->body.p, len < REPLY_BYTES_MAX ? len : REPLY_BYTES_MAX);
		kit_text_putc(result, '}');
	}
	return kit_answer_finish(&a->kit.answer, result_class, NULL, NULL);
}

static int email_next(void *attempt, const struct almoner_reply *reply)
{
	return reply == NULL ? send_mail(attempt) : read_reply(attempt, reply);
}

static int email_begin(void *attempt, const void *instance, struct almoner_error *error)
{
	struct email_attempt *a = attempt;
	a->settings = instance;
	return a->kit.context.step->purpose == ALMONER_DO
			   ? 0
			   : kit_error_set(error, "a mail cannot be taken back or looked up");
}

static void email_end(void *attempt)
{
	struct email_attempt *a = attempt;
	kit_text_free(&a->to);
	kit_text_free(&a->id);
	kit_text_free(&a->message);
}

static int email_open(void *instance, struct almoner_traits *traits, struct almoner_error *error)
{
	traits->repeat = ALMONER_REPEAT_UNSAFE;
	return email_settings_read(instance, error);
}

static void email_close(void *instance)
{
	email_settings_free(instance);
}

static const struct kit_shell email_shell = {
	.instance_bytes = sizeof(struct email_settings),
	.attempt_bytes = sizeof(struct email_attempt),
	.open = email_open,
	.close = email_close,
	.begin = email_begin,
	.next = email_next,
	.end = email_end,
};

KIT_SHELL_CONNECTOR(email_shell, .name = "email", .version = "1.0",
					.summary = "Thanks a donor by mail: text and HTML from Mustache files, sent by SMTP",
					.proven = "documents only", .options = email_settings_options,
					.option_count = EMAIL_OPTION_COUNT)
