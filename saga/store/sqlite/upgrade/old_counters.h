/* The counters of a store of schema 4, which were one value with the names of the targets. */
#ifndef ALMONER_SAGA_STORE_SQLITE_UPGRADE_OLD_COUNTERS_H
#define ALMONER_SAGA_STORE_SQLITE_UPGRADE_OLD_COUNTERS_H

#include "saga/model/tally.h"

/* Decodes versions 1 to 3 of the value into `ret`, which is empty. What old versions did not store is unknown:
 * the count of blocked rows is then -1, and the journal counts them at its start. ERR_CORRUPT; `ret` is the
 * caller's to tally_free either way. */
int old_counters_decode(struct str bytes, struct tally *ret, struct err *err) MUST_CHECK;

#endif
