/* What the engine tells about a target: for `target list`, the dashboard and metrics. */
#ifndef ALMONER_ENGINE_STATUS_H
#define ALMONER_ENGINE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/engine/breaker.h"
#include "saga/model/state.h"

/* Latency of attempts: bucket i counts those of up to status_bucket_ms(i); the last one all the others. */
#define STATUS_BUCKETS 20

struct engine_target_status {
	uint32_t id;
	char name[128];
	bool paused;
	bool held;
	char held_reason[200];
	enum breaker_state breaker;
	int64_t breaker_until_ms; /* OPEN: when it asks again, else 0 */
	uint32_t in_flight; /* slots taken: attempts under way, and intents on their way to or from the log */
	uint32_t in_flight_limit; /* as configured */
	uint32_t in_flight_now;   /* as far as ramp and breaker allow at present */
	uint32_t rate_count;      /* as configured; 0: no limit */
	int64_t rate_per_ms;
	uint32_t window_works; /* ready and in memory */
	size_t window_bytes;
	int64_t backlog; /* claimable steps on disk */
	int64_t next_due_ms;
	char last_error[320]; /* of the last attempt that did not end well, "" for none */
	int64_t last_error_ms;
	int64_t last_ok_ms;
	uint64_t attempts;               /* ended, since the engine was made */
	uint64_t classes[OUTCOME_COUNT]; /* of those, by enum outcome_class */
	uint64_t latency[STATUS_BUCKETS];
	uint64_t latency_sum_ms;
	uint64_t exchanges;   /* handed to the transport */
	uint64_t not_started; /* permits given back unused */
	uint64_t breaker_opened;
};

/* Upper bound of a bucket; INT64_MAX for the last one. */
int64_t status_bucket_ms(size_t bucket);
/* The bucket that counts `duration_ms`. */
size_t status_bucket_of(int64_t duration_ms);

#endif
