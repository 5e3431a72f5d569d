/* The http connector: sends the canonical event, or a text that a template makes of it, to any HTTP API. */
#include <string.h>

#include "connectors/http/http_lookup.h"
#include "connectors/http/http_reply.h"
#include "connectors/kit/reply_class.h"

/* How often one attempt meets a 412 before it gives up. An attempt has at most 16 exchanges, and each round
 * takes up to three of them (read, write, look up). */
#define PRECONDITION_FAILURES_MAX 4

/* ---- do ---- */

/* A 412 means that this write had no effect. The record may have been changed by an earlier attempt of this
 * step whose reply was lost, so a target with a look-up is asked first. An ETag that stays the same and is
 * refused each time is not a race but a fault of the target. */
static int on_precondition_failed(struct http_attempt *a)
{
	const struct http_settings *s = a->settings;
	if (++a->precondition_failures < PRECONDITION_FAILURES_MAX)
		return s->lookup.present ? http_request_send(a, &s->lookup, HTTP_PHASE_AFTER_RACE)
								 : http_request_send(a, &s->version, HTTP_PHASE_READ_ETAG);
	if (a->etag_changed)
		return http_reply_finish(
			a, ALMONER_BUSY, "in each try another writer changed the record between our read and our write",
			"");
	return http_reply_finish(a, ALMONER_REJECTED, "etag: the target refuses the ETag that it gave", NULL);
}

/* A 2xx that success.status does not list leaves a doubt: something happened, but not what was expected. */
static int on_done(struct http_attempt *a)
{
	const struct http_settings *s = a->settings;
	const struct almoner_reply *reply = a->kit.answer.reply;
	if (s->version.present && reply->status == 412)
		return on_precondition_failed(a);
	if (http_reply_status_fits(&s->success, reply->status))
		return http_reply_finish_success(a);
	bool exists = http_settings_status_in(&s->exists, reply->status);
	if (exists && s->lookup.present)
		return http_request_send(a, &s->lookup, HTTP_PHASE_CONFIRM);
	uint32_t result_class = exists ? ALMONER_EXISTS : kit_reply_class_http(reply, ALMONER_EFFECTS);
	if (result_class == ALMONER_EXISTS && !exists)
		result_class = ALMONER_REJECTED;
	return http_reply_finish_failed(a, result_class == ALMONER_OK ? ALMONER_UNKNOWN : result_class, NULL);
}

/* The value of the first header with this name; absent if there is none. */
static struct almoner_text header_of(const struct almoner_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (kit_text_same_nocase(reply->headers[i].name, name))
			return reply->headers[i].value;
	return (struct almoner_text){ 0 };
}

static void take_etag(struct http_attempt *a, struct almoner_text etag)
{
	struct almoner_text before = kit_text_view(&a->etag);
	bool same = etag.len == before.len && (etag.len == 0 || memcmp(etag.p, before.p, etag.len) == 0);
	a->etag_changed = a->etag_changed || (a->precondition_failures > 0 && !same);
	kit_text_clear(&a->etag);
	kit_text_put(&a->etag, etag);
}

/* A record without an ETag stops the step: a write without a condition is what the setting `etag` forbids. */
static int on_etag_read(struct http_attempt *a)
{
	const struct almoner_reply *reply = a->kit.answer.reply;
	bool there = reply->status >= 200 && reply->status <= 299;
	struct almoner_text etag = there ? header_of(reply, "ETag") : (struct almoner_text){ 0 };
	if (there && etag.len == 0)
		return http_reply_finish(a, ALMONER_FAULT, "etag: the target gives none, so nothing was written", "");
	if (!there && reply->status != 404 && reply->status != 410)
		return http_reply_finish_failed(a, http_lookup_unclear_class(reply), "reading the ETag");
	take_etag(a, etag);
	return http_request_send(a, &a->settings->do_request, HTTP_PHASE_DO);
}

/* ---- undo ---- */

static int on_undone(struct http_attempt *a)
{
	const struct almoner_reply *reply = a->kit.answer.reply;
	if (reply->status >= 200 && reply->status <= 299)
		return http_reply_finish(a, ALMONER_OK, NULL, NULL);
	if (http_settings_status_in(&a->settings->gone, reply->status))
		return http_reply_finish(a, ALMONER_OK, "nothing to undo: the target does not have the record", "");
	return http_reply_finish_failed(a, kit_reply_class_http(reply, ALMONER_EFFECTS), "undo");
}

/* An undo that does not know the result of DO looks for it first, by the key that DO carried. */
static int start_undo(struct http_attempt *a)
{
	const struct http_settings *s = a->settings;
	if (!s->undo.present)
		return kit_error_set(a->kit.answer.error, "the settings of this target have no undo");
	bool unknown = a->kit.context.step->own_result.len == 0;
	if (!unknown || !s->lookup.present)
		return http_request_send(a, &s->undo, HTTP_PHASE_UNDO);
	kit_context_use_do_key(&a->kit.context, true);
	return http_request_send(a, &s->lookup, HTTP_PHASE_UNDO_LOOKUP);
}

/* ---- the interface ---- */

static int on_start(struct http_attempt *a)
{
	const struct http_settings *s = a->settings;
	uint32_t purpose = a->kit.context.step->purpose;
	switch (purpose) {
	case ALMONER_DO:
		return s->version.present ? http_request_send(a, &s->version, HTTP_PHASE_READ_ETAG)
								  : http_request_send(a, &s->do_request, HTTP_PHASE_DO);
	case ALMONER_UNDO:
		return start_undo(a);
	case ALMONER_LOOKUP:
		if (s->lookup.present)
			return http_request_send(a, &s->lookup, HTTP_PHASE_LOOKUP);
		return kit_error_set(a->kit.answer.error, "the settings of this target have no lookup");
	default:
		return kit_error_set(a->kit.answer.error, "the http connector does not know purpose %u", purpose);
	}
}

/* Each phase has one handler for the reply to its request; the first call has no reply and starts the purpose
 * of the attempt. */
static int http_next(void *attempt, const struct almoner_reply *reply)
{
	static int (*const on_reply[])(struct http_attempt *) = {
		[HTTP_PHASE_START] = on_start,
		[HTTP_PHASE_READ_ETAG] = on_etag_read,
		[HTTP_PHASE_DO] = on_done,
		[HTTP_PHASE_CONFIRM] = http_lookup_on_confirm,
		[HTTP_PHASE_AFTER_RACE] = http_lookup_on_after_race,
		[HTTP_PHASE_LOOKUP] = http_lookup_on_reply,
		[HTTP_PHASE_UNDO_LOOKUP] = http_lookup_on_undo,
		[HTTP_PHASE_UNDO] = on_undone,
	};
	struct http_attempt *a = attempt;
	if (reply != NULL && a->phase == HTTP_PHASE_START)
		return kit_error_set(a->kit.answer.error, "a reply came although nothing was sent");
	return on_reply[a->phase](a);
}

static int http_begin(void *attempt, const void *instance, struct almoner_error *error)
{
	(void)error;
	struct http_attempt *a = attempt;
	a->settings = instance;
	return 0;
}

static void http_end(void *attempt)
{
	struct http_attempt *a = attempt;
	kit_text_free(&a->etag);
}

static int http_open(void *instance, struct almoner_traits *traits, struct almoner_error *error)
{
	struct http_settings *s = instance;
	if (http_settings_read(s, error) != 0)
		return -1;
	traits->repeat = s->repeat;
	traits->repeat_ttl_ms = s->repeat_ttl_ms;
	traits->capabilities = (s->undo.present ? ALMONER_CAN_UNDO : 0u) |
						   (s->undo.present && s->nothing_is_safe ? ALMONER_CAN_UNDO_NOTHING : 0u) |
						   (s->undo.present && s->undo_idempotent ? ALMONER_UNDO_IDEMPOTENT : 0u) |
						   (s->lookup.present ? ALMONER_CAN_LOOKUP : 0u);
	return 0;
}

static void http_close(void *instance)
{
	http_settings_free(instance);
}

static const struct kit_shell http_shell = {
	.instance_bytes = sizeof(struct http_settings),
	.attempt_bytes = sizeof(struct http_attempt),
	.open = http_open,
	.close = http_close,
	.begin = http_begin,
	.next = http_next,
	.end = http_end,
};

/* With the setting `etag` the record is read before it is written. */
static const char preview[] =
	"{\"do\":[{\"to\":\"GET \",\"status\":200,\"headers\":{\"ETag\":\"\\\"1\\\"\"},\"body\":{}}]}";

KIT_SHELL_CONNECTOR(http_shell, .name = "http", .version = "1.0",
					.summary = "Sends the event, or what a template makes of it, to any HTTP API",
					.proven = "documents only", .options = http_settings_options,
					.option_count = HTTP_OPTION_COUNT, .preview = preview)
