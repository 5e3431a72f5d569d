/* The control interface of the sink, over HTTP:
 *
 * POST /_control/PATH sets the behaviour of PATH; the body is {"reply": [ACT, …], "flap": FLAP}, or one ACT.
 *
 * ACT: {"status": 503, "times": 2, "headers": {"Retry-After": "1"}, "body": …, "delay_ms": 50,
 *
 * "mode": "hang|close_after_body|reset_at_byte|drip|endless_headers|endless_body|bad_chunking|wrong_length|
 *
 * redirect_loop|not_http", "at_byte": 10, "drip_ms": 1000, "interim": 2, "no_continue": true}
 *
 * Without a status the place does its work and answers 200; without `times` the act is for ever; after the
 * last act the default comes back.
 *
 * FLAP: {"on_requests": 3, "off_requests": 2} or {"on_ms": …, "off_ms": …}, and "status": 503
 *
 * POST /_control/smtp: see smtp.c
 *
 * GET /_control/PATH: counters; ?entries=1: also what came; ?wait=COUNTER&at_least=N&timeout_ms=MS: answers
 * when the counter has got there, or with status 408
 *
 * DELETE /_control/PATH sets counters and records back; the behaviour stays
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"

void sink_answer_json(struct sink_answer *answer, uint32_t status, json_t *value)
{
	assert(value != NULL);
	answer->status = status;
	AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	buf_clear(&answer->body);
	buf_text(&answer->body, text);
}

static void answer_error(struct sink_answer *answer, uint32_t status, const char *why)
{
	sink_answer_json(answer, status, json_pack("{s:s}", "error", why));
}

static bool is_smtp(struct str path)
{
	return str_is(path, "/smtp");
}

static json_t *stats_of(struct sink *sink, struct str path, bool entries)
{
	return is_smtp(path) ? sink_smtp_stats(sink->smtp, entries)
						 : sink_endpoint_stats(sink_endpoint_of(sink, path), entries);
}

/* "requests", or below an object: "by_status.200". */
static json_int_t counter_of(const json_t *stats, const char *counter)
{
	const char *dot = strchr(counter, '.');
	if (dot == NULL)
		return json_integer_value(json_object_get(stats, counter));
	AUTO_FREE char *outer = mem_strndup(counter, (size_t)(dot - counter));
	return json_integer_value(json_object_get(json_object_get(stats, outer), dot + 1));
}

static void set_behaviour(struct sink *sink, struct str path, struct str body, struct sink_answer *answer)
{
	json_error_t error;
	char why[200] = "";
	json_t *behaviour = json_loadb(body.p, body.len, JSON_REJECT_DUPLICATES, &error);
	if (behaviour == NULL) {
		answer_error(answer, 400, error.text);
		return;
	}
	bool good = is_smtp(path) ? sink_smtp_set_behaviour(sink->smtp, behaviour, why)
							  : sink_set_behaviour(sink_endpoint_of(sink, path), behaviour, why);
	json_decref(behaviour);
	if (good)
		sink_answer_json(answer, 200, json_pack("{s:b}", "ok", 1));
	else
		answer_error(answer, 400, why);
}

/* ---- waiting ---- */

static bool read_wait(struct str query, struct sink_waiter *w)
{
	AUTO_BUF struct buf value = { 0 };
	if (!sink_form_field(query, "wait", &value) || value.len == 0 || value.len >= sizeof(w->counter))
		return false;
	memcpy(w->counter, value.data, value.len + 1);
	w->at_least = 1;
	if (sink_form_field(query, "at_least", &value))
		w->at_least = (json_int_t)strtoll(value.data, NULL, 10);
	int64_t timeout_ms = 10000;
	if (sink_form_field(query, "timeout_ms", &value))
		timeout_ms = strtoll(value.data, NULL, 10);
	w->until_ms = sink_now_ms() + timeout_ms;
	return true;
}

/* True: `answer` is filled. */
static bool try_waiter(struct sink *sink, const struct sink_waiter *w, struct sink_answer *answer)
{
	json_t *stats = stats_of(sink, str_of(w->path), w->entries);
	bool reached = counter_of(stats, w->counter) >= w->at_least;
	if (!reached && sink_now_ms() < w->until_ms) {
		json_decref(stats);
		return false;
	}
	sink_answer_json(answer, reached ? 200 : 408, stats);
	return true;
}

static void forget_at(struct sink *sink, size_t i)
{
	sink->waiters[i] = sink->waiters[--sink->waiter_count];
}

void sink_control_forget(struct sink *sink, void *waiter)
{
	for (size_t i = 0; i < sink->waiter_count; i++)
		if (sink->waiters[i].conn == waiter) {
			forget_at(sink, i);
			return;
		}
}

void sink_control_wake(struct sink *sink)
{
	for (size_t i = 0; i < sink->waiter_count;) {
		struct sink_answer answer = { 0 };
		void *conn = sink->waiters[i].conn;
		if (!try_waiter(sink, &sink->waiters[i], &answer)) {
			i++;
			continue;
		}
		forget_at(sink, i);
		sink_http_resume(conn, &answer);
		buf_free(&answer.body);
	}
}

static bool get_stats(struct sink *sink, const struct sink_request *request, struct str path, void *conn,
					  struct sink_answer *answer)
{
	struct sink_waiter w = { .conn = conn };
	AUTO_BUF struct buf value = { 0 };
	w.entries = sink_form_field(request->query, "entries", &value);
	if (path.len >= sizeof(w.path)) {
		answer_error(answer, 400, "that path is too long");
		return true;
	}
	memcpy(w.path, path.p, path.len);
	if (!read_wait(request->query, &w)) {
		sink_answer_json(answer, 200, stats_of(sink, path, w.entries));
		return true;
	}
	if (try_waiter(sink, &w, answer))
		return true;
	if (sink->waiter_count == SINK_WAITERS_MAX) {
		answer_error(answer, 503, "too many are waiting");
		return true;
	}
	sink->waiters[sink->waiter_count++] = w;
	sink_http_wait_ms(conn, w.until_ms - sink_now_ms());
	return false;
}

bool sink_control(struct sink *sink, const struct sink_request *request, void *waiter,
				  struct sink_answer *answer)
{
	size_t prefix = sizeof(SINK_CONTROL) - 1;
	struct str path = { .p = request->path.p + prefix, .len = request->path.len - prefix };
	if (path.len == 0)
		path = STR("/");
	if (str_is(request->method, "GET"))
		return get_stats(sink, request, path, waiter, answer);
	if (str_is(request->method, "POST")) {
		set_behaviour(sink, path, request->body, answer);
	} else if (str_is(request->method, "DELETE")) {
		if (is_smtp(path))
			sink_smtp_reset(sink->smtp);
		else
			sink_endpoint_reset(sink_endpoint_of(sink, path));
		sink_answer_json(answer, 200, json_pack("{s:b}", "ok", 1));
	} else {
		answer_error(answer, 405, "GET, POST or DELETE");
	}
	return true;
}
