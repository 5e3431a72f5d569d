/* The status of a target, as the engine reports it to the admin API (`almoner target list`) and to the
 * alerts. */
#ifndef ALMONER_ENGINE_STATUS_H
#define ALMONER_ENGINE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/engine/breaker.h"
#include "saga/model/state.h"

/* The histogram of the duration of attempts: see status_bucket_of. */
#define STATUS_BUCKETS 20

struct engine_target_status {
	uint32_t id;
	char name[128];
	bool paused;
	bool held;
	enum hold_kind hold;
	enum breaker_state breaker;
	int64_t breaker_until_ms; /* end of BREAKER_OPEN by the engine's clock; 0 in other states */
	uint32_t in_flight; /* slots in use: attempts under way, and intents on their way to or from the log */
	uint32_t in_flight_limit; /* as configured */
	uint32_t in_flight_now;   /* the number of slots that ramp and breaker allow at present */
	uint32_t rate_count;      /* as configured; 0: no limit */
	int64_t rate_per_ms;
	uint32_t window_works; /* works that are ready and wait in memory */
	size_t window_bytes;
	int64_t backlog;      /* steps on disk that can be claimed, due or not */
	int64_t next_due_ms;  /* when the first step on disk is due; INT64_MAX: there is none */
	char last_error[320]; /* about the last attempt that failed at the target; "": no attempt failed */
	int64_t last_error_ms;
	int64_t last_ok_ms;
	/* Counted since the engine was created: */
	uint64_t attempts;                /* that ended */
	uint64_t classes[OUTCOME_COUNT];  /* the same attempts, by enum outcome_class */
	uint64_t latency[STATUS_BUCKETS]; /* the same attempts, by duration */
	uint64_t latency_sum_ms;
	uint64_t exchanges;      /* handed to the transport */
	uint64_t not_started;    /* permits given back unused */
	uint64_t breaker_opened; /* times */
};

/* The bucket that counts an attempt of `duration_ms`; the last bucket has no upper bound. */
size_t status_bucket_of(int64_t duration_ms);

#endif
