#include "saga/base/clock.h"

#include <stdio.h>

#include "saga/base/check.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

static pthread_once_t offset_once = PTHREAD_ONCE_INIT;
static int64_t wall_minus_mono_ms; /* written once, by offset_init */

static int64_t read_ns(clockid_t id)
{
	struct timespec now;
	int failed = clock_gettime(id, &now);
	assert(failed == 0); /* Linux has both clocks, and `now` is a valid address: there is no other error */
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t read_ms(clockid_t id)
{
	return read_ns(id) / NS_PER_MS;
}

static void offset_init(void)
{
	wall_minus_mono_ms = read_ms(CLOCK_REALTIME) - read_ms(CLOCK_MONOTONIC);
}

static int64_t steady_ms(void *ctx)
{
	(void)ctx;
	pthread_once(&offset_once, offset_init);
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
		snprintf(out, CLOCK_TEXT_BYTES, "invalid-time");
		return;
	}
	char day[20];
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, CLOCK_TEXT_BYTES, "%s.%03dZ", day, (int)ms);
}

void clock_span(int64_t span_ms, char out[CLOCK_SPAN_BYTES])
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = { { DAY_MS, "d" }, { HOUR_MS, "h" }, { MINUTE_MS, "min" }, { SECOND_MS, "s" } };
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (span_ms >= units[i].ms) {
			snprintf(out, CLOCK_SPAN_BYTES, "%lld %s", (long long)(span_ms / units[i].ms), units[i].unit);
			return;
		}
	}
	snprintf(out, CLOCK_SPAN_BYTES, "%lld ms", (long long)span_ms);
}

int64_t clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_us(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

struct timespec clock_timespec(int64_t at_ms)
{
	assert(at_ms >= 0);
	return (struct timespec){ .tv_sec = (time_t)(at_ms / SECOND_MS),
							  .tv_nsec = (long)(at_ms % SECOND_MS * NS_PER_MS) };
}

/* Keeps the nanoseconds of now, so that a wait of 1 ms is never shorter than 1 ms. */
struct timespec clock_deadline(int64_t after_ms)
{
	struct timespec span = clock_timespec(after_ms);
	int64_t now_ns = clock_monotonic_ns();
	int64_t ns = now_ns % NS_PER_S + span.tv_nsec;
	return (struct timespec){ .tv_sec = (time_t)(now_ns / NS_PER_S + ns / NS_PER_S) + span.tv_sec,
							  .tv_nsec = (long)(ns % NS_PER_S) };
}

int clock_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int rc = pthread_condattr_init(&attributes);
	if (rc != 0)
		return rc;
	rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return rc;
}
