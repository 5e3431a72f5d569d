#include "gateway/engine/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/check.h"
#include "saga/base/mem.h"

/* Defaults of struct engine_target_config. Chosen, no measurement. */
#define WINDOW_DEFAULT_BYTES ((size_t)4 << 20)
#define REPLY_CAP_BYTES      ((size_t)64 * 1024)

/* ---- life ---- */

static struct target_port *port_create(const struct engine_target_config *config)
{
	struct target_port *p = mem_zalloc(sizeof *p);
	p->port = config->port;
	p->release = config->release;
	p->users = 1;
	return p;
}

struct target_port *target_port_ref(struct target_port *p)
{
	p->users++;
	return p;
}

void target_port_unref(struct target_port *p)
{
	if (p == NULL || --p->users > 0)
		return;
	if (p->release != NULL)
		p->release(p->port.ctx);
	free(p);
}

/* The port is replaced only when its ctx differs, so that a reload that opens nothing anew keeps it. */
void target_configure(struct engine_target *t, const struct engine_target_config *config)
{
	if (t->port == NULL || t->port->port.ctx != config->port.ctx) {
		target_port_unref(t->port);
		t->port = port_create(config);
	}
	free(t->name);
	t->name = mem_strdup(config->name);
	t->config = *config;
	t->config.name = t->name;
	if (t->config.in_flight == 0)
		t->config.in_flight = 1;
	if (t->config.window_bytes == 0)
		t->config.window_bytes = WINDOW_DEFAULT_BYTES;
	if (t->config.reply_cap_bytes == 0)
		t->config.reply_cap_bytes = REPLY_CAP_BYTES;
	if (t->config.probe_ms == 0)
		t->config.probe_ms = TARGET_PROBE_MS;
	t->removed = false;
	t->dirty = true;
}

struct engine_target *target_create(const struct engine_target_config *config, int64_t now_ms)
{
	struct engine_target *t = mem_zalloc(sizeof *t);
	t->id = config->id;
	breaker_init(&t->breaker);
	concurrency_init(&t->concurrency);
	STAILQ_INIT(&t->ready);
	TAILQ_INIT(&t->attempts);
	t->deadline_ms = INT64_MAX;
	t->next_due_ms = INT64_MAX;
	t->claim_not_before_ms = now_ms;
	target_configure(t, config);
	return t;
}

void target_destroy(struct engine_target *t)
{
	assert(STAILQ_EMPTY(&t->ready) && TAILQ_EMPTY(&t->attempts));
	target_port_unref(t->port);
	free(t->name);
	free(t);
}

/* ---- whether it may start ---- */

bool target_blocked_by_operator(const struct engine_target *t)
{
	return t->removed || t->paused || t->config.paused || t->held;
}

bool target_cannot_start(const struct engine_target *t)
{
	return target_blocked_by_operator(t) || t->breaker.state == BREAKER_OPEN;
}

void target_bump_revision(struct engine_target *t)
{
	t->revision++;
	streak_clear(&t->streak);
	forbidden_reset(&t->forbidden);
}

bool target_probe_due(const struct engine_target *t, int64_t now_ms)
{
	return t->held && t->hold == HOLD_CREDENTIALS && !t->removed && !t->paused && !t->config.paused &&
		   now_ms >= t->probe_at_ms;
}

static int64_t min_ms(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max_ms(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Slots are taken last: the other limits are the engine thread's own, but slots are shared with the
 * journal's thread. */
uint32_t target_reserve(struct engine_target *t, struct admission_control *admission, uint32_t want,
						int64_t now_ms)
{
	t->start_at_ms = max_ms(t->concurrency.backoff_until_ms, rate_next_ms(&t->rate, &t->config.rate, now_ms));
	if (t->start_at_ms > now_ms)
		return 0;
	t->start_at_ms = INT64_MAX;
	want = min_u32(want, breaker_capacity(&t->breaker, &t->config.breaker));
	want = min_u32(want, rate_available(&t->rate, &t->config.rate, now_ms));
	want = want > 0 ? admission_take_slots(admission, t->id, want) : 0;
	if (want == 0)
		return 0;
	rate_take(&t->rate, &t->config.rate, now_ms, want);
	breaker_reserve(&t->breaker, want);
	return want;
}

bool target_reserve_probe(struct engine_target *t, struct admission_control *admission, int64_t now_ms)
{
	if (admission_take_slots(admission, t->id, 1) == 0) {
		t->start_at_ms = INT64_MAX; /* a slot that is given back sets start_at_ms to 0 */
		return false;
	}
	rate_take(&t->rate, &t->config.rate, now_ms, 1);
	breaker_reserve(&t->breaker, 1);
	t->probe_reserved = true;
	return true;
}

void target_unreserve(struct engine_target *t, struct admission_control *admission, uint32_t count)
{
	if (count == 0)
		return;
	admission_release_slots(admission, t->id, count);
	rate_give_back(&t->rate, &t->config.rate, count);
	breaker_unreserve(&t->breaker, count);
	t->start_at_ms = 0; /* the slot is free again, and another start may have been refused for lack of one */
}

struct target_start target_begin(struct engine_target *t)
{
	struct target_start start = { .probe = t->held && t->probe_reserved };
	if (!start.probe && target_blocked_by_operator(t))
		return start;
	if (start.probe)
		t->probe_reserved = false;
	start.counted = breaker_begin(&t->breaker);
	start.allowed = start.counted || start.probe;
	return start;
}

/* ---- status, and the next tick ---- */

/* With a rate limit no step starts in the commit that accepts its event: the journal's thread cannot take
 * rate tokens. */
struct admission_rules target_rules(const struct engine_target *t, bool draining, int64_t now_ms)
{
	bool open = !draining && !target_blocked_by_operator(t) && t->breaker.state == BREAKER_CLOSED;
	bool backed_off_over = now_ms >= t->concurrency.backoff_until_ms;
	return (struct admission_rules){
		.slots_open = open && backed_off_over && !rate_is_limited(&t->rate, &t->config.rate),
		.window_open = open,
		.limit = concurrency_limit(&t->concurrency, t->config.in_flight),
		.window_cap_bytes = t->config.window_bytes,
	};
}

/* While half-open, no more attempts than probes may be in flight. */
void target_status(const struct engine_target *t, struct engine_target_status *ret)
{
	uint32_t now = concurrency_limit(&t->concurrency, t->config.in_flight);
	if (t->breaker.state == BREAKER_HALF_OPEN)
		now = min_u32(now, t->config.breaker.probes > 0 ? t->config.breaker.probes : 1);
	*ret = (struct engine_target_status){
		.paused = t->paused || t->config.paused,
		.held = t->held,
		.hold = t->hold,
		.breaker = t->breaker.state,
		.breaker_until_ms = t->breaker.state == BREAKER_OPEN ? t->breaker.until_ms : 0,
		.in_flight_limit = t->config.in_flight,
		.in_flight_now = target_cannot_start(t) ? 0 : now,
		.rate_count = t->config.rate.count,
		.rate_per_ms = t->config.rate.per_ms,
		.backlog = t->backlog,
		.next_due_ms = t->next_due_ms,
	};
}

/* When a start may be tried, as far as it waits for a time. When it waits for a slot, the end of an
 * attempt brings the next tick. */
static int64_t start_next_ms(const struct engine_target *t)
{
	if (!STAILQ_EMPTY(&t->ready))
		return t->start_at_ms;
	if (t->backlog > 0 && t->claimed == 0) {
		int64_t due = max_ms(t->next_due_ms, t->claim_not_before_ms);
		/* start_at_ms is 0 unless the last try was refused. */
		return t->start_at_ms != 0 ? max_ms(t->start_at_ms, due) : due;
	}
	return INT64_MAX;
}

/* When a held target may get its next probe: a probe needs a step on disk that is due. */
static int64_t probe_next_ms(const struct engine_target *t)
{
	if (!t->held || t->hold != HOLD_CREDENTIALS || t->removed || t->paused || t->config.paused ||
		t->backlog <= 0 || t->claimed > 0)
		return INT64_MAX;
	int64_t at = max_ms(max_ms(t->probe_at_ms, t->claim_not_before_ms), t->next_due_ms);
	return max_ms(at, t->start_at_ms);
}

int64_t target_next_ms(const struct engine_target *t, int64_t now_ms)
{
	int64_t next = t->deadline_ms;
	if (t->breaker.state == BREAKER_OPEN && !t->removed)
		next = min_ms(next, t->breaker.until_ms);
	if (t->cannot_start_since_ms != 0 && !STAILQ_EMPTY(&t->ready))
		next = min_ms(next, t->cannot_start_since_ms + ENGINE_SPILL_MS);
	next = min_ms(next, probe_next_ms(t));
	if (!target_cannot_start(t))
		next = min_ms(next, start_next_ms(t));
	/* admission opens again when the wait of `concurrency` ends */
	if (!target_cannot_start(t) && t->concurrency.backoff_until_ms > now_ms)
		next = min_ms(next, t->concurrency.backoff_until_ms);
	return next;
}
