/* The http connector: sends the canonical event, or what a template makes of it, to any HTTP API. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/http_request.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/template.h"

/* Of one attempt: another writer changed the record. The host allows 16 exchanges in all. */
#define PRECONDITION_FAILURES_MAX 4

struct http_turn {
	struct http_attempt *a;
	const struct almoner_reply *reply;
	struct almoner_action *action;
	struct almoner_error *error;
};

/* ---- requests ---- */

static int send_request(struct http_turn *t, const struct request_settings *r, enum http_phase phase)
{
	struct kit_problem problem = { 0 };
	bool reads = phase != HTTP_PHASE_DO && phase != HTTP_PHASE_UNDO;
	t->a->phase = phase;
	kit_answer_start(&t->a->answer);
	if (!http_request_make(t->a, r, !reads, &problem))
		return kit_answer_problem(&t->a->answer, &problem, t->action, t->error);
	if (kit_answer_send(&t->a->answer, r->method, r->body_kind != BODY_NONE,
						reads ? ALMONER_READS : ALMONER_EFFECTS, t->action, t->error) != 0)
		return -1;
	/* What needs no rendering is handed out as it is, without a copy. */
	if (!r->url_has_tags)
		t->action->http.url = kit_text_lit(r->url);
	if (r->body_kind == BODY_EVENT)
		t->action->http.body = t->a->context.step->event;
	return 0;
}

/* ---- replies ---- */

static int finish(struct http_turn *t, uint32_t result_class, const char *what, const char *message)
{
	return kit_answer_finish(&t->a->answer, result_class, t->reply, what, message, t->action, t->error);
}

static bool status_fits(const struct reply_condition *c, uint32_t status)
{
	return c->status.count > 0 ? http_settings_status_in(&c->status, status) : status >= 200 && status <= 299;
}

static bool path_fits(const struct reply_condition *c, const json_t *body)
{
	const json_t *value = kit_json_at(body, c->path);
	return c->equals != NULL ? value != NULL && json_equal(value, c->equals) : kit_json_is_present(value);
}

static void take_id(struct http_turn *t, const json_t *body, const char *path)
{
	char id[200];
	if (path != NULL && kit_json_id(body, path, id) != NULL)
		kit_answer_result_id(&t->a->answer, id);
}

/* The reply carries JSON that we have to understand. */
static json_t *body_of(const struct http_turn *t, bool wanted)
{
	return wanted && t->reply->truncated == 0 ? kit_json_parse(t->reply->body) : NULL;
}

static int finish_failed(struct http_turn *t, uint32_t result_class, const char *what)
{
	const struct http_settings *s = t->a->settings;
	json_t *body AUTO_JSON = body_of(t, s->error_path != NULL);
	return finish(t, result_class, what, kit_json_text_at(body, s->error_path != NULL ? s->error_path : ""));
}

/* A status of success; the body may still say otherwise. */
static int finish_success(struct http_turn *t)
{
	const struct http_settings *s = t->a->settings;
	json_t *body AUTO_JSON = body_of(t, s->success.path != NULL || s->id_path != NULL);
	if (s->success.path != NULL && body == NULL)
		return finish(t, ALMONER_UNKNOWN, "the reply is not the JSON that success.path looks into", NULL);
	if (s->success.path != NULL && !path_fits(&s->success, body))
		return finish_failed(t, ALMONER_REJECTED, "the reply does not say success");
	take_id(t, body, s->id_path);
	return finish(t, ALMONER_OK, NULL, NULL);
}

/* Refused because of the ETag: this write had no effect. An earlier one that the transport repeated may have
 * been what changed the record, so a target that can be asked is asked first. */
static int on_precondition_failed(struct http_turn *t)
{
	const struct http_settings *s = t->a->settings;
	if (++t->a->precondition_failures == PRECONDITION_FAILURES_MAX)
		return t->a->etag_changed
				   ? finish(t, ALMONER_BUSY,
							"each time somebody else wrote between our reading and our writing", "")
				   : finish(t, ALMONER_REJECTED,
							"etag: the target refuses the ETag that it gives, again and again", NULL);
	return s->lookup.present ? send_request(t, &s->lookup, HTTP_PHASE_AFTER_RACE)
							 : send_request(t, &s->version, HTTP_PHASE_READ_ETAG);
}

static int on_done(struct http_turn *t)
{
	const struct http_settings *s = t->a->settings;
	uint32_t status = t->reply->status;
	if (s->version.present && status == 412)
		return on_precondition_failed(t);
	if (status_fits(&s->success, status))
		return finish_success(t);
	bool exists = http_settings_status_in(&s->exists, status);
	if (exists && s->lookup.present)
		return send_request(t, &s->lookup, HTTP_PHASE_CONFIRM);
	uint32_t result_class = exists ? ALMONER_EXISTS : kit_reply_class_http(t->reply, ALMONER_EFFECTS);
	if (result_class == ALMONER_EXISTS && !exists)
		result_class = ALMONER_REJECTED;
	/* A 2xx that success.status does not list: something happened, we cannot say what. */
	return finish_failed(t, result_class == ALMONER_OK ? ALMONER_UNKNOWN : result_class, NULL);
}

enum lookup_finding { LOOKUP_FOUND, LOOKUP_DIFFERENT, LOOKUP_NOT_FOUND, LOOKUP_UNCLEAR };

static bool is_nothing(const json_t *value)
{
	return !kit_json_is_present(value) || (json_is_number(value) && json_number_value(value) == 0);
}

/* What the look-up wants to see there; NULL when this event does not say it. */
static json_t *wanted(struct http_turn *t)
{
	struct kit_problem problem = { 0 };
	struct kit_text text AUTO_TEXT = { 0 };
	if (!kit_template_json(t->a->settings->found.equals, &t->a->context, &text, &problem))
		return NULL;
	return kit_json_parse(kit_text_view(&text));
}

/* Something is there. That it is ours is said by `equals`, if anything. */
static enum lookup_finding compare(struct http_turn *t, const json_t *value)
{
	const struct reply_condition *c = &t->a->settings->found;
	if (c->equals == NULL)
		return kit_json_is_present(value) ? LOOKUP_FOUND : LOOKUP_NOT_FOUND;
	json_t *equals AUTO_JSON = wanted(t);
	if (value != NULL && equals != NULL && json_equal(value, equals))
		return LOOKUP_FOUND;
	return is_nothing(value) ? LOOKUP_NOT_FOUND : LOOKUP_DIFFERENT;
}

static enum lookup_finding evaluate_lookup(struct http_turn *t)
{
	const struct http_settings *s = t->a->settings;
	uint32_t status = t->reply->status;
	if (status == 404 || status == 410)
		return http_settings_status_in(&s->found.status, status) ? LOOKUP_FOUND : LOOKUP_NOT_FOUND;
	if (!status_fits(&s->found, status))
		return s->found.status.count > 0 && status >= 200 && status <= 299 ? LOOKUP_NOT_FOUND
																		   : LOOKUP_UNCLEAR;
	json_t *body AUTO_JSON = body_of(t, s->found.path != NULL || s->lookup_id_path != NULL);
	if (s->found.path != NULL && body == NULL)
		return LOOKUP_UNCLEAR;
	enum lookup_finding finding =
		s->found.path != NULL ? compare(t, kit_json_at(body, s->found.path)) : LOOKUP_FOUND;
	if (finding == LOOKUP_FOUND)
		take_id(t, body, s->lookup_id_path);
	return finding;
}

/* What a look-up that gave no answer means; a 200 nobody can read counts as trouble of the target. */
static uint32_t unclear_class(const struct almoner_reply *reply)
{
	uint32_t result_class = kit_reply_class_http(reply, ALMONER_READS);
	return result_class == ALMONER_OK ? ALMONER_UNREACHABLE : result_class;
}

static int on_lookup(struct http_turn *t)
{
	switch (evaluate_lookup(t)) {
	case LOOKUP_FOUND:
		return finish(t, ALMONER_OK, "found by look-up", NULL);
	case LOOKUP_NOT_FOUND:
		return finish(t, ALMONER_ABSENT, "not found by look-up", "");
	case LOOKUP_DIFFERENT:
		return finish(t, ALMONER_EXISTS, "the look-up found something else than what was sent", "");
	case LOOKUP_UNCLEAR:
		break;
	}
	return finish_failed(t, unclear_class(t->reply), "the look-up gave no answer");
}

/* The target said "exists": only a look-up that finds it makes this a success. Trouble while looking must not
 * count as "no effect". */
static int on_confirm(struct http_turn *t)
{
	switch (evaluate_lookup(t)) {
	case LOOKUP_FOUND:
		return finish(t, ALMONER_OK, "exists already, found by look-up", NULL);
	case LOOKUP_NOT_FOUND:
		return finish(t, ALMONER_EXISTS, "the target says it exists, the look-up does not find it", "");
	case LOOKUP_DIFFERENT:
		return finish(t, ALMONER_EXISTS, "exists already, and the look-up found something else than was sent",
					  "");
	case LOOKUP_UNCLEAR:
		break;
	}
	return finish_failed(t, ALMONER_UNKNOWN, "the target says it exists, and the look-up gave no answer");
}

static int on_race_lookup(struct http_turn *t)
{
	switch (evaluate_lookup(t)) {
	case LOOKUP_FOUND:
		return finish(t, ALMONER_OK, "found by look-up", NULL);
	case LOOKUP_NOT_FOUND:
	case LOOKUP_DIFFERENT: /* what is to be written over */
		return send_request(t, &t->a->settings->version, HTTP_PHASE_READ_ETAG);
	case LOOKUP_UNCLEAR:
		break;
	}
	return finish_failed(t, ALMONER_UNKNOWN, "the record had changed, and the look-up gave no answer");
}

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

/* Without an ETag the write could only be blind, which is what `etag` was set against. */
static int on_read(struct http_turn *t)
{
	uint32_t status = t->reply->status;
	bool there = status >= 200 && status <= 299;
	struct almoner_text etag = there ? header_of(t->reply, "ETag") : (struct almoner_text){ 0 };
	if (there && etag.len == 0)
		return finish(t, ALMONER_FAULT, "etag: the target gives none, so nothing was written", "");
	if (!there && status != 404 && status != 410)
		return finish_failed(t, unclear_class(t->reply), "reading the ETag");
	take_etag(t->a, etag);
	return send_request(t, &t->a->settings->do_request, HTTP_PHASE_DO);
}

static int on_undo_lookup(struct http_turn *t)
{
	struct kit_problem problem = { 0 };
	switch (evaluate_lookup(t)) {
	case LOOKUP_FOUND:
		kit_context_use_do_key(&t->a->context, false);
		if (!kit_context_load(&t->a->context, &problem))
			return kit_answer_problem(&t->a->answer, &problem, t->action, t->error);
		kit_context_set_own(&t->a->context, kit_json_parse(kit_text_view(&t->a->answer.result)));
		return send_request(t, &t->a->settings->undo, HTTP_PHASE_UNDO);
	case LOOKUP_NOT_FOUND:
		return finish(t, ALMONER_OK, "nothing to undo: not found by look-up", "");
	case LOOKUP_DIFFERENT:
		return finish(t, ALMONER_REJECTED, "the look-up before the undo found something else than was sent",
					  "");
	case LOOKUP_UNCLEAR:
		break;
	}
	return finish_failed(t, unclear_class(t->reply), "the look-up before the undo gave no answer");
}

static int on_undone(struct http_turn *t)
{
	uint32_t status = t->reply->status;
	if (status >= 200 && status <= 299)
		return finish(t, ALMONER_OK, NULL, NULL);
	if (http_settings_status_in(&t->a->settings->gone, status))
		return finish(t, ALMONER_OK, "nothing to undo: the target does not have it", "");
	return finish_failed(t, kit_reply_class_http(t->reply, ALMONER_EFFECTS), "undo");
}

/* ---- the interface ---- */

static int start_undo(struct http_turn *t)
{
	const struct http_settings *s = t->a->settings;
	if (!s->undo.present)
		return kit_error_set(t->error, "this target has no undo");
	bool unknown = t->a->context.step->own_result.len == 0;
	if (unknown && s->lookup.present) {
		kit_context_use_do_key(&t->a->context, true);
		return send_request(t, &s->lookup, HTTP_PHASE_UNDO_LOOKUP);
	}
	return send_request(t, &s->undo, HTTP_PHASE_UNDO);
}

static int on_start(struct http_turn *t)
{
	const struct http_settings *s = t->a->settings;
	switch (t->a->context.step->purpose) {
	case ALMONER_DO:
		return s->version.present ? send_request(t, &s->version, HTTP_PHASE_READ_ETAG)
								  : send_request(t, &s->do_request, HTTP_PHASE_DO);
	case ALMONER_UNDO:
		return start_undo(t);
	case ALMONER_LOOKUP:
		if (s->lookup.present)
			return send_request(t, &s->lookup, HTTP_PHASE_LOOKUP);
		return kit_error_set(t->error, "this target has no lookup");
	default:
		return kit_error_set(t->error, "the http connector does not know purpose %u",
							 t->a->context.step->purpose);
	}
}

static int http_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					 struct almoner_error *error)
{
	static int (*const on_reply[])(struct http_turn *) = {
		[HTTP_PHASE_START] = on_start,
		[HTTP_PHASE_READ_ETAG] = on_read,
		[HTTP_PHASE_DO] = on_done,
		[HTTP_PHASE_CONFIRM] = on_confirm,
		[HTTP_PHASE_AFTER_RACE] = on_race_lookup,
		[HTTP_PHASE_LOOKUP] = on_lookup,
		[HTTP_PHASE_UNDO_LOOKUP] = on_undo_lookup,
		[HTTP_PHASE_UNDO] = on_undone,
	};
	struct http_attempt *a = attempt;
	struct http_turn t = { a, reply, action, error };
	if ((reply == NULL) != (a->phase == HTTP_PHASE_START))
		return kit_error_set(error, "next was called out of turn");
	kit_answer_start(&a->answer);
	return on_reply[a->phase](&t);
}

static int http_begin(void *instance, const struct almoner_step *step, void **attempt,
					  struct almoner_error *error)
{
	const struct http_settings *settings = instance;
	struct http_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return kit_error_set(error, "out of memory");
	a->settings = settings;
	kit_context_init(&a->context, step);
	kit_answer_init(&a->answer, &settings->secrets);
	*attempt = a;
	return 0;
}

static void http_end(void *attempt)
{
	struct http_attempt *a = attempt;
	kit_context_finish(&a->context);
	kit_answer_free(&a->answer);
	kit_text_free(&a->etag);
	free(a);
}

static void http_close(void *instance)
{
	http_settings_free(instance);
	free(instance);
}

static int http_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					 struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	struct http_settings *s = calloc(1, sizeof *s);
	if (s == NULL)
		return kit_error_set(error, "out of memory");
	if (http_settings_read(s, settings, error) != 0) {
		http_close(s);
		return -1;
	}
	traits->repeat = s->repeat;
	traits->repeat_ttl_ms = s->repeat_ttl_ms;
	traits->capabilities = (s->undo.present ? ALMONER_CAN_UNDO : 0u) |
						   (s->undo.present && s->nothing_is_safe ? ALMONER_CAN_UNDO_NOTHING : 0u) |
						   (s->undo.present && s->undo_idempotent ? ALMONER_UNDO_IDEMPOTENT : 0u) |
						   (s->lookup.present ? ALMONER_CAN_LOOKUP : 0u);
	*instance = s;
	return 0;
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_connector self = {
		.size = sizeof(struct almoner_connector),
		.abi_major = ALMONER_ABI_MAJOR,
		.abi_minor = ALMONER_ABI_MINOR,
		.name = "http",
		.version = "1.0",
		.summary = "Sends the event, or what a template makes of it, to any HTTP API",
		.proven = "documents only",
		.options = http_settings_options,
		.option_count = HTTP_OPTION_COUNT,
		.option_size = sizeof(struct almoner_option),
		.open = http_open,
		.close = http_close,
		.begin = http_begin,
		.next = http_next,
		.end = http_end,
	};
	return &self;
}
