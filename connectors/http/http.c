/* The http connector: sends the canonical event, or what a template makes of it, to any HTTP API. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/http_request.h"
#include "connectors/kit/http_class.h"
#include "connectors/kit/json.h"
#include "connectors/kit/template.h"

#define REFUSALS_MAX                                                                                         \
	4 /* of one attempt, because somebody else wrote; the host allows 16 exchanges in all                    \
	   */

struct turn {
	struct attempt *a;
	const struct almoner_reply *reply;
	struct almoner_action *action;
	struct almoner_error *error;
};

/* ---- requests ----------------------------------------------------------------------------------------- */

static int send_request(struct turn *t, const struct request *r, enum phase phase)
{
	struct problem problem = { 0 };
	bool reads = phase != PHASE_DOING && phase != PHASE_UNDOING;
	t->a->phase = phase;
	answer_start(&t->a->answer);
	if (!request_make(t->a, r, !reads, &problem))
		return answer_problem(&t->a->answer, &problem, t->action, t->error);
	if (answer_send(&t->a->answer, r->method, r->body_kind != BODY_NONE,
					reads ? ALMONER_READS : ALMONER_EFFECTS, t->action, t->error) != 0)
		return -1;
	/* What needs no rendering is handed out as it is, without a copy. */
	if (!r->url_has_tags)
		t->action->http.url = text_lit(r->url);
	if (r->body_kind == BODY_EVENT)
		t->action->http.body = t->a->context.step->event;
	return 0;
}

/* ---- replies ------------------------------------------------------------------------------------------ */

static int finish(struct turn *t, uint32_t result_class, const char *what, const char *said)
{
	return answer_finish(&t->a->answer, result_class, t->reply, what, said, t->action, t->error);
}

static bool status_fits(const struct condition *c, uint32_t status)
{
	return c->status.count > 0 ? statuses_have(&c->status, status) : status >= 200 && status <= 299;
}

static bool path_fits(const struct condition *c, const json_t *body)
{
	const json_t *value = json_at(body, c->path);
	return c->equals != NULL ? value != NULL && json_equal(value, c->equals) : json_something(value);
}

static void take_id(struct turn *t, const json_t *body, const char *path)
{
	char id[200];
	if (path != NULL && reply_id(body, path, id) != NULL)
		answer_result_id(&t->a->answer, id);
}

/* The reply carries JSON that we have to understand. */
static json_t *body_of(const struct turn *t, bool wanted)
{
	return wanted && t->reply->truncated == 0 ? json_parse(t->reply->body) : NULL;
}

static int refuse(struct turn *t, uint32_t result_class, const char *what)
{
	const struct http_settings *s = t->a->settings;
	json_t *body AUTO_JSON = body_of(t, s->error_path != NULL);
	return finish(t, result_class, what, json_text_at(body, s->error_path != NULL ? s->error_path : ""));
}

/* A status of success; the body may still say otherwise. */
static int succeed(struct turn *t)
{
	const struct http_settings *s = t->a->settings;
	json_t *body AUTO_JSON = body_of(t, s->success.path != NULL || s->id_path != NULL);
	if (s->success.path != NULL && body == NULL)
		return finish(t, ALMONER_UNKNOWN, "the reply is not the JSON that success.path looks into", NULL);
	if (s->success.path != NULL && !path_fits(&s->success, body))
		return refuse(t, ALMONER_REJECTED, "the reply does not say success");
	take_id(t, body, s->id_path);
	return finish(t, ALMONER_OK, NULL, NULL);
}

/* Refused because of the ETag: this write had no effect. An earlier one that the transport repeated may have
 * been what changed the record, so a target that can be asked is asked first. */
static int on_refused(struct turn *t)
{
	const struct http_settings *s = t->a->settings;
	if (++t->a->refusals == REFUSALS_MAX)
		return t->a->changing ? finish(t, ALMONER_BUSY,
									   "each time somebody else wrote between our reading and our writing", "")
							  : finish(t, ALMONER_REJECTED,
									   "etag: the target refuses the ETag that it gives, again and again", NULL);
	return s->look.present ? send_request(t, &s->look, PHASE_RACED)
						   : send_request(t, &s->version, PHASE_READING);
}

static int on_done(struct turn *t)
{
	const struct http_settings *s = t->a->settings;
	uint32_t status = t->reply->status;
	if (s->version.present && status == 412)
		return on_refused(t);
	if (status_fits(&s->success, status))
		return succeed(t);
	bool exists = statuses_have(&s->exists, status);
	if (exists && s->look.present)
		return send_request(t, &s->look, PHASE_CONFIRMING);
	uint32_t result_class = exists ? ALMONER_EXISTS : http_class(t->reply, ALMONER_EFFECTS);
	if (result_class == ALMONER_EXISTS && !exists)
		result_class = ALMONER_REJECTED;
	/* A 2xx that success.status does not list: something happened, we cannot say what. */
	return refuse(t, result_class == ALMONER_OK ? ALMONER_UNKNOWN : result_class, NULL);
}

enum finding { FOUND, DIFFERENT, NOT_FOUND, UNCLEAR };

static bool is_nothing(const json_t *value)
{
	return !json_something(value) || (json_is_number(value) && json_number_value(value) == 0);
}

/* What the look-up wants to see there; NULL when this event does not say it. */
static json_t *wanted(struct turn *t)
{
	struct problem problem = { 0 };
	struct text text AUTO_TEXT = { 0 };
	if (!template_json(t->a->settings->found.equals, &t->a->context, &text, &problem))
		return NULL;
	return json_parse(text_view(&text));
}

/* Something is there. That it is ours is said by `equals`, if anything. */
static enum finding compare(struct turn *t, const json_t *value)
{
	const struct condition *c = &t->a->settings->found;
	if (c->equals == NULL)
		return json_something(value) ? FOUND : NOT_FOUND;
	json_t *equals AUTO_JSON = wanted(t);
	if (value != NULL && equals != NULL && json_equal(value, equals))
		return FOUND;
	return is_nothing(value) ? NOT_FOUND : DIFFERENT;
}

static enum finding look_at(struct turn *t)
{
	const struct http_settings *s = t->a->settings;
	uint32_t status = t->reply->status;
	if (status == 404 || status == 410)
		return statuses_have(&s->found.status, status) ? FOUND : NOT_FOUND;
	if (!status_fits(&s->found, status))
		return s->found.status.count > 0 && status >= 200 && status <= 299 ? NOT_FOUND : UNCLEAR;
	json_t *body AUTO_JSON = body_of(t, s->found.path != NULL || s->look_id_path != NULL);
	if (s->found.path != NULL && body == NULL)
		return UNCLEAR;
	enum finding finding = s->found.path != NULL ? compare(t, json_at(body, s->found.path)) : FOUND;
	if (finding == FOUND)
		take_id(t, body, s->look_id_path);
	return finding;
}

/* What a look-up that gave no answer means; a 200 nobody can read counts as trouble of the target. */
static uint32_t unclear_class(const struct almoner_reply *reply)
{
	uint32_t result_class = http_class(reply, ALMONER_READS);
	return result_class == ALMONER_OK ? ALMONER_UNREACHABLE : result_class;
}

static int on_looked(struct turn *t)
{
	switch (look_at(t)) {
	case FOUND:
		return finish(t, ALMONER_OK, "found by look-up", NULL);
	case NOT_FOUND:
		return finish(t, ALMONER_ABSENT, "not found by look-up", "");
	case DIFFERENT:
		return finish(t, ALMONER_EXISTS, "the look-up found something else than what was sent", "");
	case UNCLEAR:
		break;
	}
	return refuse(t, unclear_class(t->reply), "the look-up gave no answer");
}

/* The target said "exists": only a look-up that finds it makes this a success. Trouble while looking must not
 * count as "no effect". */
static int on_confirmed(struct turn *t)
{
	switch (look_at(t)) {
	case FOUND:
		return finish(t, ALMONER_OK, "exists already, found by look-up", NULL);
	case NOT_FOUND:
		return finish(t, ALMONER_EXISTS, "the target says it exists, the look-up does not find it", "");
	case DIFFERENT:
		return finish(t, ALMONER_EXISTS, "exists already, and the look-up found something else than was sent",
					  "");
	case UNCLEAR:
		break;
	}
	return refuse(t, ALMONER_UNKNOWN, "the target says it exists, and the look-up gave no answer");
}

static int on_raced(struct turn *t)
{
	switch (look_at(t)) {
	case FOUND:
		return finish(t, ALMONER_OK, "found by look-up", NULL);
	case NOT_FOUND:
	case DIFFERENT: /* what is to be written over */
		return send_request(t, &t->a->settings->version, PHASE_READING);
	case UNCLEAR:
		break;
	}
	return refuse(t, ALMONER_UNKNOWN, "the record had changed, and the look-up gave no answer");
}

static struct almoner_text header_of(const struct almoner_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (text_same_nocase(reply->headers[i].name, name))
			return reply->headers[i].value;
	return (struct almoner_text){ 0 };
}

static void take_etag(struct attempt *a, struct almoner_text etag)
{
	struct almoner_text before = text_view(&a->etag);
	bool same = etag.len == before.len && (etag.len == 0 || memcmp(etag.p, before.p, etag.len) == 0);
	a->changing = a->changing || (a->refusals > 0 && !same);
	text_clear(&a->etag);
	text_put(&a->etag, etag);
}

/* Without an ETag the write could only be blind, which is what `etag` was set against. */
static int on_read(struct turn *t)
{
	uint32_t status = t->reply->status;
	bool there = status >= 200 && status <= 299;
	struct almoner_text etag = there ? header_of(t->reply, "ETag") : (struct almoner_text){ 0 };
	if (there && etag.len == 0)
		return finish(t, ALMONER_FAULT, "etag: the target gives none, so nothing was written", "");
	if (!there && status != 404 && status != 410)
		return refuse(t, unclear_class(t->reply), "reading the ETag");
	take_etag(t->a, etag);
	return send_request(t, &t->a->settings->do_it, PHASE_DOING);
}

static int on_looked_back(struct turn *t)
{
	struct problem problem = { 0 };
	switch (look_at(t)) {
	case FOUND:
		context_ask_about_do(&t->a->context, false);
		if (!context_load(&t->a->context, &problem))
			return answer_problem(&t->a->answer, &problem, t->action, t->error);
		context_set_own(&t->a->context, json_parse(text_view(&t->a->answer.result)));
		return send_request(t, &t->a->settings->undo, PHASE_UNDOING);
	case NOT_FOUND:
		return finish(t, ALMONER_OK, "nothing to undo: not found by look-up", "");
	case DIFFERENT:
		return finish(t, ALMONER_REJECTED, "the look-up before the undo found something else than was sent",
					  "");
	case UNCLEAR:
		break;
	}
	return refuse(t, unclear_class(t->reply), "the look-up before the undo gave no answer");
}

static int on_undone(struct turn *t)
{
	uint32_t status = t->reply->status;
	if (status >= 200 && status <= 299)
		return finish(t, ALMONER_OK, NULL, NULL);
	if (statuses_have(&t->a->settings->gone, status))
		return finish(t, ALMONER_OK, "nothing to undo: the target does not have it", "");
	return refuse(t, http_class(t->reply, ALMONER_EFFECTS), "undo");
}

/* ---- the interface ------------------------------------------------------------------------------------ */

static int start_undo(struct turn *t)
{
	const struct http_settings *s = t->a->settings;
	if (!s->undo.present)
		return error_set(t->error, "this target has no undo");
	bool unknown = t->a->context.step->own_result.len == 0;
	if (unknown && s->look.present) {
		context_ask_about_do(&t->a->context, true);
		return send_request(t, &s->look, PHASE_LOOKING_BACK);
	}
	return send_request(t, &s->undo, PHASE_UNDOING);
}

static int on_begun(struct turn *t)
{
	const struct http_settings *s = t->a->settings;
	switch (t->a->context.step->purpose) {
	case ALMONER_DO:
		return s->version.present ? send_request(t, &s->version, PHASE_READING)
								  : send_request(t, &s->do_it, PHASE_DOING);
	case ALMONER_UNDO:
		return start_undo(t);
	case ALMONER_LOOKUP:
		if (s->look.present)
			return send_request(t, &s->look, PHASE_LOOKING);
		return error_set(t->error, "this target has no lookup");
	default:
		return error_set(t->error, "the http connector does not know purpose %u",
						 t->a->context.step->purpose);
	}
}

static int http_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					 struct almoner_error *error)
{
	static int (*const on_reply[])(struct turn *) = {
		[PHASE_BEGUN] = on_begun,
		[PHASE_READING] = on_read,
		[PHASE_DOING] = on_done,
		[PHASE_CONFIRMING] = on_confirmed,
		[PHASE_RACED] = on_raced,
		[PHASE_LOOKING] = on_looked,
		[PHASE_LOOKING_BACK] = on_looked_back,
		[PHASE_UNDOING] = on_undone,
	};
	struct attempt *a = attempt;
	struct turn t = { a, reply, action, error };
	if ((reply == NULL) != (a->phase == PHASE_BEGUN))
		return error_set(error, "next was called out of turn");
	answer_start(&a->answer);
	return on_reply[a->phase](&t);
}

static int http_begin(void *instance, const struct almoner_step *step, void **attempt,
					  struct almoner_error *error)
{
	const struct http_settings *settings = instance;
	struct attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return error_set(error, "out of memory");
	a->settings = settings;
	context_init(&a->context, step);
	answer_init(&a->answer, &settings->secrets);
	*attempt = a;
	return 0;
}

static void http_end(void *attempt)
{
	struct attempt *a = attempt;
	context_finish(&a->context);
	answer_free(&a->answer);
	text_free(&a->etag);
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
		return error_set(error, "out of memory");
	if (http_settings_read(s, settings, error) != 0) {
		http_close(s);
		return -1;
	}
	traits->repeat = s->repeat;
	traits->repeat_ttl_ms = s->repeat_ttl_ms;
	traits->capabilities = (s->undo.present ? ALMONER_CAN_UNDO : 0u) |
						   (s->undo.present && s->nothing_is_safe ? ALMONER_CAN_UNDO_NOTHING : 0u) |
						   (s->undo.present && s->undo_idempotent ? ALMONER_UNDO_IDEMPOTENT : 0u) |
						   (s->look.present ? ALMONER_CAN_LOOKUP : 0u);
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
		.options = http_options,
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
