/* Control requests that wait until a counter has reached a value, so that tests need no sleeping. */
#include <stdlib.h>
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

bool sink_is_smtp(struct str path)
{
	return str_is(path, "/smtp");
}

json_t *sink_waiters_stats(struct sink *sink, struct str path, bool entries)
{
	return sink_is_smtp(path) ? sink_smtp_stats(sink->smtp, entries)
							  : sink_endpoint_stats(sink_endpoint_of(sink, path), entries);
}

/* A counter by its name, "requests", or inside an object, "by_status.200". */
static json_int_t counter_of(const json_t *stats, const char *counter)
{
	const char *dot = strchr(counter, '.');
	if (dot == NULL)
		return json_integer_value(json_object_get(stats, counter));
	AUTO_FREE char *outer = mem_strndup(counter, (size_t)(dot - counter));
	return json_integer_value(json_object_get(json_object_get(stats, outer), dot + 1));
}

/* The counters are the body of the answer, whether the value was reached or the time is up. */
bool sink_waiters_try(struct sink *sink, const struct sink_waiter *w, struct sink_answer *answer)
{
	json_t *stats = sink_waiters_stats(sink, str_of(w->path), w->entries);
	bool reached = counter_of(stats, w->counter) >= w->at_least;
	if (!reached && clock_monotonic_ms() < w->until_ms) {
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

void sink_waiters_forget(struct sink *sink, void *waiter)
{
	for (size_t i = 0; i < sink->waiter_count; i++)
		if (sink->waiters[i].conn == waiter) {
			forget_at(sink, i);
			return;
		}
}

/* how->resume may send an answer that makes a client send the next request, and so change the list: each turn
 * reads it anew. */
void sink_waiters_wake(struct sink *sink)
{
	for (size_t i = 0; i < sink->waiter_count;) {
		struct sink_answer answer = { 0 };
		const struct sink_waiter w = sink->waiters[i];
		if (!sink_waiters_try(sink, &sink->waiters[i], &answer)) {
			i++;
			continue;
		}
		forget_at(sink, i);
		w.how->resume(w.conn, &answer);
		buf_free(&answer.body);
	}
}
