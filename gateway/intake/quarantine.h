/* The number of open quarantined events of each source, for limits.quarantine_cap. Counting is slow, so
 * the number is counted every few seconds at most; in between it grows by one with each question, as if
 * every event that was asked for had been quarantined. Thread: any; counting runs without the lock. */
#ifndef ALMONER_GATEWAY_INTAKE_QUARANTINE_H
#define ALMONER_GATEWAY_INTAKE_QUARANTINE_H

#include <stdint.h>

#include "saga/base/check.h"

/* The age at which the number is counted again: an operator who resolves events sees the cap lift within
 * seconds. Chosen; no measurement. */
#define QUARANTINE_RECOUNT_MS 5000

struct quarantine;

/* `count` counts in the store: 0 and the number, or an error code. It may be called on any thread, also by
 * several at once. Free with quarantine_destroy. */
struct quarantine *quarantine_create(void *ctx, int (*count)(void *ctx, const char *source, int64_t *ret));
void quarantine_destroy(struct quarantine *q); /* accepts NULL */

/* Call it once for each event that would be quarantined; returns how many are open before it. When
 * counting fails, the last number is used and goes on growing. Without any number yet the result is
 * INT64_MAX, so that the sender is asked to come again. */
int64_t quarantine_count_open(struct quarantine *q, const char *source, int64_t now_ms) MUST_CHECK;

#endif
