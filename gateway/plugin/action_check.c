#include "gateway/plugin/action_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gateway/plugin/instance.h"

#define HEADERS_MAX   64  /* chosen, no measurement */
#define ADDRESS_BYTES 320 /* RFC 5321: 64 + '@' + 255 */

/* What the interface has and this gateway cannot do yet is no breach, so it has a text of its own. */
static int unsupported(struct almoner_error *error, const char *what)
{
	snprintf(error->text, sizeof error->text,
			 "this version of the gateway cannot %s; the connector needs a newer one", what);
	return -1;
}

static int violation(struct almoner_error *error, const char *what)
{
	snprintf(error->text, sizeof error->text, "the connector broke the interface: %s", what);
	return -1;
}

static bool present(struct almoner_text t)
{
	return t.p != NULL && t.len > 0;
}

/* True if the text has no control characters, which could end a line of the protocol and begin another
 * one. */
static bool one_line(struct almoner_text t)
{
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7F)
			return false;
	return t.p != NULL;
}

static bool nul_terminated(struct almoner_text t)
{
	return t.p == NULL || t.p[t.len] == '\0';
}

/* The transport passes these texts to libcurl, which wants them NUL-terminated. */
static int check_http(const struct almoner_http *http, struct almoner_error *error)
{
	if (!present(http->method) || !one_line(http->method) || !nul_terminated(http->method))
		return violation(error, "a request without a method");
	if (!present(http->url) || !one_line(http->url) || !nul_terminated(http->url))
		return violation(error, "a request without a usable URL");
	if (http->header_count > HEADERS_MAX || (http->header_count > 0 && http->headers == NULL))
		return violation(error, "too many headers");
	for (size_t i = 0; i < http->header_count; i++) {
		const struct almoner_header *h = &http->headers[i];
		if (!present(h->name) || !one_line(h->name) || !one_line(h->value) || !nul_terminated(h->name) ||
			!nul_terminated(h->value))
			return violation(error, "a header with a line break or without a name");
	}
	return nul_terminated(http->body) ? 0 : violation(error, "a body that is not NUL-terminated");
}

/* Blanks and angle brackets in an address would change the SMTP command that it becomes a part of. */
static int check_mail(const struct almoner_mail *mail, struct almoner_error *error)
{
	const struct almoner_text addresses[] = { mail->from, mail->to };
	if (!present(mail->host) || !one_line(mail->host) || mail->port == 0 || mail->port > 65535)
		return violation(error, "a mail without host and port");
	if (mail->tls < ALMONER_TLS_NONE || mail->tls > ALMONER_TLS_DIRECT)
		return violation(error, "a mail with an unknown kind of TLS");
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct almoner_text a = addresses[i];
		if (!present(a) || a.len > ADDRESS_BYTES || !one_line(a) || !nul_terminated(a) ||
			strpbrk(a.p, " <>") != NULL)
			return violation(error, "a mail whose sender or recipient is no mail address");
	}
	return present(mail->message) ? 0 : violation(error, "a mail without a message");
}

static int check_checkpoint(struct almoner_text checkpoint, struct almoner_error *error)
{
	if (checkpoint.p != NULL && checkpoint.len > INSTANCE_CHECKPOINT_MAX)
		return violation(error, "a checkpoint of more than 4 KiB");
	return 0;
}

/* An unusable result is no breach: the target has accepted the step, so the engine only drops the result. */
static int check_done(const struct almoner_done *done, uint32_t purpose, struct almoner_error *error)
{
	if (done->result_class < ALMONER_OK || done->result_class > ALMONER_PARTIAL)
		return violation(error, "an outcome of an unknown class");
	if (done->result_class == ALMONER_ABSENT && purpose != ALMONER_LOOKUP)
		return violation(error, "the outcome \"absent\", which only a look-up may have");
	if (done->result_class == ALMONER_PARTIAL && purpose != ALMONER_LOOKUP)
		return violation(error, "the outcome \"partial\", which only a look-up may have");
	if (done->retry_after_ms < 0)
		return violation(error, "a negative retry_after_ms");
	if (done->rate.reset_ms < 0)
		return violation(error, "a negative rate.reset_ms");
	return 0;
}

/* The checks stand in the order in which later ones rely on earlier ones: the kind, then what belongs to
 * it. */
int action_check(const struct almoner_action *action, uint32_t purpose, struct almoner_error *error)
{
	if (action->kind == ALMONER_FINISH)
		return check_done(&action->done, purpose, error);
	if (action->kind != ALMONER_SEND_HTTP && action->kind != ALMONER_SEND_MAIL)
		return violation(error, "an action of an unknown kind");
	if (action->effect != ALMONER_READS && action->effect != ALMONER_EFFECTS)
		return violation(error, "an exchange that is declared neither as \"reads\" nor as \"effects\"");
	if (purpose == ALMONER_LOOKUP && action->effect != ALMONER_READS)
		return violation(error, "a look-up with effects");
	if (action->authorize != NULL)
		return unsupported(error, "add an OAuth token to a request (action.authorize)");
	if (action->sign != NULL)
		return unsupported(error, "sign a request (action.sign)");
	if (check_checkpoint(action->checkpoint, error) != 0)
		return -1;
	return action->kind == ALMONER_SEND_HTTP ? check_http(&action->http, error)
											 : check_mail(&action->mail, error);
}
