#include "gateway/engine/window.h"

#define NARROW_EVERY_MS 1000
#define CALM_FIRST_MS   100
#define CALM_GROWN_MS   5000

void window_init(struct window *w)
{
	*w = (struct window){ .limit = WINDOW_FOOT };
}

void window_restart(struct window *w, int64_t at_ms)
{
	int64_t calm_ms = w->calm_until_ms;
	window_init(w);
	w->calm_until_ms = calm_ms > at_ms ? calm_ms : at_ms;
}

uint32_t window_limit(const struct window *w, uint32_t max)
{
	uint32_t limit = w->limit < (double)max ? (uint32_t)w->limit : max;
	return limit > 0 ? limit : 1;
}

void window_widen(struct window *w, uint32_t max)
{
	w->calm_ms = 0;
	w->limit += 1.0 / w->limit;
	if (w->limit > (double)max)
		w->limit = max > 0 ? (double)max : 1.0;
}

/* Narrowing alone cannot help once one at a time is too much: then wait between them, longer each time. */
static int64_t calm_span_ms(struct window *w)
{
	if (w->limit >= 2)
		return 0;
	w->calm_ms = w->calm_ms == 0 ? CALM_FIRST_MS : w->calm_ms * 2;
	if (w->calm_ms > CALM_GROWN_MS)
		w->calm_ms = CALM_GROWN_MS;
	return w->calm_ms;
}

void window_narrow(struct window *w, int64_t now_ms, int64_t retry_after_ms)
{
	int64_t span = retry_after_ms > 0 ? retry_after_ms : calm_span_ms(w);
	if (span > WINDOW_CALM_CAP_MS)
		span = WINDOW_CALM_CAP_MS;
	if (now_ms + span > w->calm_until_ms)
		w->calm_until_ms = now_ms + span;
	if (w->narrowed_ms != 0 && now_ms - w->narrowed_ms < NARROW_EVERY_MS)
		return;
	w->narrowed_ms = now_ms;
	w->limit = w->limit / 2 > 1 ? w->limit / 2 : 1;
}
