/* The part of a stored saga that changes without a record in the log: for each step its `why`, its location,
 * whether its condition passed, and its due time. For saga_codec.c. */
#ifndef ALMONER_MODEL_SAGA_PLACES_H
#define ALMONER_MODEL_SAGA_PLACES_H

#include "saga/model/saga.h"

void saga_places_encode(const struct saga *s, struct buf *out);
/* *ret_due: the steps whose due_ms is set, but is still a difference to the creation of the saga, which is
 * stored behind. `steps` has room for step_count; NULL: only passes over the bytes. Sets r->bad for damage. */
void saga_places_decode(struct reader *r, unsigned step_count, struct step *steps, uint32_t *ret_due);

#endif
