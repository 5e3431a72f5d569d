/* How many quarantined events of each source are open, for the cap: counted at most every few seconds, and
 * one more for each question since. Thread: any; the counting itself runs without the lock. */
#ifndef ALMONER_INTAKE_QUARANTINE_H
#define ALMONER_INTAKE_QUARANTINE_H

#include <stdint.h>

#include "saga/base/check.h"

#define QUARANTINE_RECOUNT_MS 5000

struct quarantine;

/* `count` looks it up anew: 0 and the number, or an error code. Free with quarantine_destroy (NULL is
 * accepted).
 */
struct quarantine *quarantine_create(void *ctx, int (*count)(void *ctx, const char *source, int64_t *ret));
void quarantine_destroy(struct quarantine *q);

/* Asked once per event that would be quarantined. When counting fails the last figure stands, and grows;
 * while there is none yet it is INT64_MAX: the sender shall come again. */
int64_t quarantine_count_open(struct quarantine *q, const char *source, int64_t now_ms) MUST_CHECK;

#endif
