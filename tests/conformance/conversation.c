/* Runs one conversation with a connector and checks each of its actions. */
#include "tests/conformance/conformance.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The interface asks for milliseconds. The limit is higher because test machines are busy; chosen; no
 * measurement. */
#define CALL_MS_MAX 1000

#define RESULT_BYTES_MAX ((size_t)64 * 1024)

struct conversation_state {
	struct driver *d;
	const struct suite *suite;
	const struct conversation *conversation;
	struct findings *f;
	struct buf *trace; /* every byte of every action */
	bool effects_sent;
	bool last_had_effects;
	bool last_was_http;
	uint32_t last_status;
};

static const char *purpose_name(uint32_t purpose)
{
	static const char *const names[] = { "?", "do", "undo", "lookup" };
	return purpose <= ALMONER_LOOKUP ? names[purpose] : names[0];
}

static void fault(const struct conversation_state *s, const char *what, const char *more)
{
	conformance_finding(s->f, "%s, after status %u: %s%s%s [event %.120s]",
						purpose_name(s->conversation->purpose), s->last_status, what,
						more[0] != '\0' ? ": " : "", more, s->conversation->event);
}

/* ---- one action ---- */

static void trace(const struct conversation_state *s, struct almoner_text text)
{
	buf_add(s->trace, text.p, text.p != NULL ? text.len : 0);
	buf_byte(s->trace, '\x1f');
}

static void check_detail(const struct conversation_state *s, struct almoner_text detail)
{
	json_t *utf8 = json_stringn(detail.p != NULL ? detail.p : "", detail.len);
	if (utf8 == NULL)
		fault(s, "the detail is not UTF-8", "");
	json_decref(utf8);
	if (detail.len > 1024)
		fault(s, "the detail is longer than one line", "");
	for (size_t i = 0; i < detail.len; i++) {
		if ((unsigned char)detail.p[i] < 0x20) {
			fault(s, "the detail has control characters", detail.p);
			break;
		}
	}
	for (size_t i = 0; i < s->suite->canary_count; i++)
		if (driver_has(detail, s->suite->canaries[i]))
			fault(s, "the detail holds a secret", detail.p);
}

/* The gateway drops a result that it cannot keep. Then the saga does not know the id that the record has at
 * the target. */
static void check_result(const struct conversation_state *s, struct almoner_text result)
{
	if (result.p == NULL || result.len == 0)
		return;
	if (result.len > RESULT_BYTES_MAX)
		fault(s, "the result is longer than 64 KiB", "");
	json_t *value = json_loadb(result.p, result.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(value))
		fault(s, "the result is no JSON object", "");
	json_decref(value);
}

/* The gateway keeps the code when it forgets the donor, so it must be a code and nothing else. */
static void check_code(const struct conversation_state *s, struct almoner_text code)
{
	if (code.p == NULL)
		return;
	if (code.len == 0 || code.len > 64)
		fault(s, "the code is empty or longer than 64 bytes", "");
	for (size_t i = 0; i < code.len; i++) {
		if (code.p[i] <= ' ' || code.p[i] > '~') {
			fault(s, "the code has blanks or characters beyond ASCII", code.p);
			break;
		}
	}
	for (size_t i = 0; i < s->suite->canary_count; i++)
		if (driver_has(code, s->suite->canaries[i]))
			fault(s, "the code holds a secret", code.p);
}

/* True after a 502 or 504 to a request with effects: a proxy failed, and the target may have acted. */
static bool leaves_doubt(const struct conversation_state *s)
{
	return s->last_had_effects && s->last_was_http && (s->last_status == 502 || s->last_status == 504);
}

static void check_done(const struct conversation_state *s, const struct almoner_done *done)
{
	check_detail(s, done->detail);
	check_result(s, done->result);
	check_code(s, done->code);
	trace(s, done->detail);
	trace(s, done->code);
	trace(s, done->result);
	buf_printf(s->trace, "%u/%u;", done->result_class, done->status);
	if (!s->effects_sent && done->result_class == ALMONER_UNKNOWN)
		fault(s, "in doubt, although only reading exchanges were sent", "");
	if (leaves_doubt(s) && done->result_class != ALMONER_UNKNOWN)
		fault(s, "sure of the outcome, although a proxy failed during a request with effects", "");
	if (done->result_class != ALMONER_OK && done->detail.len == 0)
		fault(s, "an outcome that is not ok has no detail for the operator", "");
}

static void check_http(const struct conversation_state *s, const struct almoner_http *http)
{
	trace(s, http->method);
	trace(s, http->url);
	trace(s, http->body);
	for (size_t i = 0; i < http->header_count; i++) {
		trace(s, http->headers[i].name);
		trace(s, http->headers[i].value);
	}
	/* These methods change the target, so such a request is no reading exchange. */
	bool changing = driver_is(http->method, "PUT") || driver_is(http->method, "DELETE") ||
					driver_is(http->method, "PATCH");
	if (s->d->action.effect == ALMONER_READS && changing)
		fault(s, "declared as reading, sent as", http->method.p);
	for (size_t i = 0; i < s->suite->canary_count; i++)
		if (driver_has(http->url, s->suite->canaries[i]))
			fault(s, "a URL contains a secret, and URLs get into logs", "");
}

static void check_action(struct conversation_state *s)
{
	const struct almoner_action *a = &s->d->action;
	buf_printf(s->trace, "kind %u effect %u;", a->kind, a->effect);
	if (a->kind == ALMONER_FINISH) {
		check_done(s, &a->done);
		return;
	}
	trace(s, a->checkpoint);
	if (a->kind == ALMONER_SEND_HTTP) {
		check_http(s, &a->http);
	} else {
		trace(s, a->mail.from);
		trace(s, a->mail.to);
		trace(s, a->mail.message);
	}
	s->last_had_effects = a->effect == ALMONER_EFFECTS;
	s->last_was_http = a->kind == ALMONER_SEND_HTTP;
	s->effects_sent = s->effects_sent || s->last_had_effects;
	s->f->exchanges++;
}

/* ---- one conversation ---- */

static int64_t now_ms(void)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static int timed_next(struct conversation_state *s, const struct almoner_reply *reply)
{
	int64_t began = now_ms();
	int rc = driver_next(s->d, reply);
	if (now_ms() - began > CALL_MS_MAX)
		fault(s, "a call took longer than a second", "");
	if (rc != 0 && !s->conversation->may_fail)
		fault(s, "could not continue", s->d->error.text);
	if (rc == 0)
		check_action(s);
	return rc;
}

static bool begins(struct conversation_state *s)
{
	driver_step(s->d, s->conversation->event);
	s->d->step.purpose = s->conversation->purpose;
	s->d->step.checkpoint = driver_text(s->conversation->checkpoint);
	if (driver_begin(s->d) == 0)
		return true;
	if (!s->conversation->may_fail)
		fault(s, "could not begin", s->d->error.text);
	return false;
}

static void run_once(struct conversation_state *s)
{
	if (!begins(s))
		return;
	int rc = timed_next(s, NULL);
	for (size_t i = 0; rc == 0 && i < s->conversation->reply_count && s->d->action.kind != ALMONER_FINISH;
		 i++) {
		s->last_status = s->conversation->replies[i].status;
		rc = timed_next(s, &s->conversation->replies[i]);
	}
	/* The gateway may end an attempt at any time, also without an outcome. */
	driver_end(s->d);
}

void conversation_run(struct driver *d, const struct suite *suite, const struct conversation *conversation,
					  struct findings *f)
{
	struct buf first AUTO_BUF = { 0 };
	struct buf second AUTO_BUF = { 0 };
	struct conversation_state s = {
		.d = d, .suite = suite, .conversation = conversation, .f = f, .trace = &first
	};
	f->conversations++;
	run_once(&s);
	struct conversation_state again = {
		.d = d, .suite = suite, .conversation = conversation, .f = f, .trace = &second
	};
	run_once(&again);
	if (!str_eq(buf_str(&first), buf_str(&second)))
		fault(&s, "the same conversation gave other bytes the second time", "");
}
