/* Counts what is in attention, for each kind of alert and each source or target. The sagas are read from the
 * store in slices, the newest first, so that each call costs the same however many sagas there are. Reading
 * all of them once is a pass; until a pass is complete, the counts of the previous one are used. Used by one
 * thread. */
#ifndef ALMONER_GATEWAY_ALERTS_ATTENTION_H
#define ALMONER_GATEWAY_ALERTS_ATTENTION_H

#include "gateway/alerts/alerts.h"
#include "saga/store/store.h"

struct attention;

struct attention *attention_create(void);
void attention_destroy(struct attention *t);
/* Call it when nothing is in attention: forgets all counts. */
void attention_clear(struct attention *t);
/* Continues the pass, or begins one, and reads for about `budget_ms`. `version`: the number of commits of the
 * store, which names its state. */
int attention_read(struct attention *t, struct store_reader *reader, int64_t version, int64_t budget_ms,
				   struct err *err) MUST_CHECK;
/* True if a complete pass has begun at this version, so there is nothing new to read. */
bool attention_is_current(const struct attention *t, int64_t version);
/* Calls `each` with every count above 0; while a pass runs, the greater of its count and the previous one. */
void attention_each(const struct attention *t, void *ctx,
					void (*each)(void *ctx, enum alert_kind kind, const char *subject, int64_t count));

#endif
