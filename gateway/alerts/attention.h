/* How much of what is in attention: by the kind of alert it is, and by source or target. Read from the store
 * in small slices, the newest first, so that a store with very many costs as little a second as one with
 * few; until a round is whole, what the last one found stands. */
#ifndef ALMONER_GATEWAY_ALERTS_ATTENTION_H
#define ALMONER_GATEWAY_ALERTS_ATTENTION_H

#include "gateway/alerts/alerts.h"
#include "saga/store/store.h"

struct attention;

struct attention *attention_create(void);
void attention_destroy(struct attention *t);
/* Nothing is in attention. */
void attention_clear(struct attention *t);
/* Reads on for about `budget_ms`. `version` names the store's state (commits): a whole round of the same one
 * is not read again. */
int attention_read(struct attention *t, struct store_reader *reader, int64_t version, int64_t budget_ms,
				   struct err *err) MUST_CHECK;
bool attention_is_current(const struct attention *t, int64_t version);
void attention_each(const struct attention *t, void *ctx,
					void (*each)(void *ctx, enum alert_kind kind, const char *subject, int64_t count));

#endif
