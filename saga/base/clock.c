#include "saga/base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "saga/base/digest.h"

static pthread_once_t offset_once = PTHREAD_ONCE_INIT;
static int64_t wall_minus_mono_ms; /* written once */

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;
	(void)clock_gettime(id, &ts); /* cannot fail for these two ids */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void offset_init(void)
{
	wall_minus_mono_ms = read_ms(CLOCK_REALTIME) - read_ms(CLOCK_MONOTONIC);
}

static int64_t steady_ms(void *ctx)
{
	(void)ctx;
	(void)pthread_once(&offset_once, offset_init);
	return read_ms(CLOCK_MONOTONIC) + wall_minus_mono_ms;
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return read_ms(CLOCK_REALTIME);
}

struct clock clock_system(void)
{
	return (struct clock){ NULL, steady_ms, wall_ms };
}

void clock_rfc3339(int64_t at_ms, char out[CLOCK_TEXT_BYTES])
{
	int64_t ms = at_ms % 1000 < 0 ? at_ms % 1000 + 1000 : at_ms % 1000;
	time_t seconds = (time_t)((at_ms - ms) / 1000);
	struct tm tm;
	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 8099) {
		(void)snprintf(out, CLOCK_TEXT_BYTES, "invalid-time");
		return;
	}
	char day[20];
	(void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out, CLOCK_TEXT_BYTES, "%s.%03dZ", day, (int)ms);
}

void clock_span(int64_t span_ms, char out[CLOCK_SPAN_BYTES])
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" } };
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (span_ms >= units[i].ms) {
			(void)snprintf(out, CLOCK_SPAN_BYTES, "%lld %s", (long long)(span_ms / units[i].ms),
						   units[i].unit);
			return;
		}
	}
	(void)snprintf(out, CLOCK_SPAN_BYTES, "%lld ms", (long long)span_ms);
}

static uint64_t random_below(void *ctx, uint64_t bound)
{
	(void)ctx;
	if (bound == 0)
		return 0;
	uint64_t value;
	entropy_bytes(&value, sizeof value);
	return value % bound; /* the bias is far below what jitter cares about */
}

struct entropy entropy_system(void)
{
	return (struct entropy){ NULL, random_below };
}
