/* What happens to a target for reasons that several files of the engine notice: its breaker changes state,
 * its hold ends, or it may start again. */
#include <stdio.h>

#include "gateway/engine/engine_internal.h"
#include "saga/journal/engine_port.h"
#include "saga/journal/operator_port.h"

void target_event_unblocked(struct engine *e, struct engine_target *t)
{
	const struct entropy *entropy = &e->options.entropy;
	uint64_t span_ms = entropy->below != NULL ? entropy->below(entropy->ctx, ENGINE_RELEASE_SPREAD_MS) : 0;
	concurrency_restart(&t->concurrency, e->now_ms + (int64_t)span_ms);
	t->start_at_ms = 0;
	t->dirty = true;
}

/* Each transition goes into the log, so that the next start knows whether the breaker was closed. */
void target_event_breaker(struct engine *e, struct engine_target *t, enum breaker_signal signal)
{
	if (!breaker_apply(&t->breaker, &t->config.breaker, signal, e->now_ms))
		return;
	char text[32], note[96] = "";
	snprintf(text, sizeof text, "breaker_%s", name_of_breaker(t->breaker.state));
	if (t->breaker.state == BREAKER_OPEN) {
		admission_count_opened(e->admission, t->id);
		snprintf(note, sizeof note, "sends a probe in %lld ms", (long long)t->breaker.open_ms);
	} else if (t->breaker.state == BREAKER_CLOSED) {
		target_event_unblocked(e, t);
	}
	journal_breaker(e->journal, t->id, t->breaker.state, note);
	engine_log_line(e, t->breaker.state == BREAKER_OPEN ? ENGINE_WARNING : ENGINE_INFO, t, text);
	t->start_at_ms = 0;
	t->dirty = true;
}

static void ignore_result(void *ctx, const struct verb_result *result)
{
	(void)ctx;
	(void)result;
}

void target_event_end_hold(struct engine *e, struct engine_target *t, const char *note)
{
	/* A closed journal takes no records. The target then stays held until the next start, which probes it
	 * at once. */
	if (journal_target_act(e->journal, t->name, TARGET_RELEASE, "almoner", note, NULL, ignore_result) != 0)
		engine_log_line(e, ENGINE_WARNING, t, "the journal is closed (shutting down): the target stays held");
}
