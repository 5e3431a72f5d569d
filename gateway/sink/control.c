/* The control interface of the sink, over HTTP:
 *
 * POST /_control/PATH sets the behaviour of PATH. The body is {"reply": [REPLY, …], "flap": FLAP}, or one
 * REPLY:
 *
 *   {"status": 503, "times": 2, "headers": {"Retry-After": "1"}, "body": …, "delay_ms": 50,
 *    "mode":
 * "hang|close_after_body|reset_at_byte|drip|endless_headers|endless_body|bad_chunking|wrong_length|
 *             redirect_loop|not_http",
 *    "at_byte": 10, "drip_ms": 1000, "interim": 2, "no_continue": true}
 *
 *   Without a status the endpoint does its work and answers 200. Without `times` the reply stays. After the
 * last reply that is used up, the endpoint does its default work. FLAP: {"on_requests": 3, "off_requests": 2}
 * or {"on_ms": …, "off_ms": …}, and "status": 503
 *
 * POST /_control/smtp: smtp.c describes the body.
 *
 * GET /_control/PATH: the counters. ?entries=1: also the records. ?wait=COUNTER&at_least=N&timeout_ms=MS:
 * answers when the counter has reached N, or with status 408 when the time is up.
 *
 * DELETE /_control/PATH sets counters and records back; the behaviour stays. */
#include <stdlib.h>
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

static void answer_error(struct sink_answer *answer, uint32_t status, const char *why)
{
	sink_answer_json(answer, status, json_pack("{s:s}", "error", why));
}

/* POST: sets the behaviour of a path. A wrong body is answered 400 with the reason. */
static void set_behaviour(struct sink *sink, struct str path, struct str body, struct sink_answer *answer)
{
	json_error_t error;
	char why[200] = "";
	json_t *behaviour = json_loadb(body.p, body.len, JSON_REJECT_DUPLICATES, &error);
	if (behaviour == NULL) {
		answer_error(answer, 400, error.text);
		return;
	}
	bool good = sink_is_smtp(path) ? sink_smtp_set_behaviour(sink->smtp, behaviour, why)
								   : sink_behaviour_set(sink_endpoint_of(sink, path), behaviour, why);
	json_decref(behaviour);
	if (good)
		sink_answer_json(answer, 200, json_pack("{s:b}", "ok", 1));
	else
		answer_error(answer, 400, why);
}

/* ---- waiting ---- */

/* Reads ?wait=, at_least= and timeout_ms= (10 s without it). False: there is no ?wait=, so the request does
 * not wait. */
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
	w->until_ms = clock_monotonic_ms() + timeout_ms;
	return true;
}

/* GET: answers with the counters. False: the request waits, because the counter has not reached its value. */
static bool get_stats(struct sink *sink, const struct sink_request *request, struct str path, void *conn,
					  const struct sink_continuation *how, struct sink_answer *answer)
{
	struct sink_waiter w = { .conn = conn, .how = how };
	AUTO_BUF struct buf value = { 0 };
	w.entries = sink_form_field(request->query, "entries", &value);
	if (path.len >= sizeof(w.path)) {
		answer_error(answer, 400, "the path is too long");
		return true;
	}
	memcpy(w.path, path.p, path.len);
	if (!read_wait(request->query, &w)) {
		sink_answer_json(answer, 200, sink_waiters_stats(sink, path, w.entries));
		return true;
	}
	if (sink_waiters_try(sink, &w, answer))
		return true;
	if (sink->waiter_count == SINK_WAITERS_MAX) {
		answer_error(answer, 503, "too many requests wait already");
		return true;
	}
	sink->waiters[sink->waiter_count++] = w;
	how->wait_ms(conn, w.until_ms - clock_monotonic_ms());
	return false;
}

/* The path after SINK_CONTROL is that of the endpoint. */
bool sink_control(struct sink *sink, const struct sink_request *request, void *waiter,
				  const struct sink_continuation *how, struct sink_answer *answer)
{
	size_t prefix = sizeof(SINK_CONTROL) - 1;
	struct str path = { .p = request->path.p + prefix, .len = request->path.len - prefix };
	if (path.len == 0)
		path = STR("/");
	if (str_is(request->method, "GET"))
		return get_stats(sink, request, path, waiter, how, answer);
	if (str_is(request->method, "POST")) {
		set_behaviour(sink, path, request->body, answer);
	} else if (str_is(request->method, "DELETE")) {
		if (sink_is_smtp(path))
			sink_smtp_reset(sink->smtp);
		else
			sink_endpoint_reset(sink_endpoint_of(sink, path));
		sink_answer_json(answer, 200, json_pack("{s:b}", "ok", 1));
	} else {
		answer_error(answer, 405, "GET, POST or DELETE");
	}
	return true;
}
