/* Plans by number, through the connection's cache. */
#ifndef ALMONER_SAGA_STORE_SQLITE_PLANS_H
#define ALMONER_SAGA_STORE_SQLITE_PLANS_H

#include "saga/store/sqlite/db.h"

/* *ret is a new reference. `which` is the statement that selects the json column of a plan by its number.
 * ERR_CORRUPT: there is no such plan, or its text does not parse. */
int plans_get(struct db *db, size_t which, int64_t number, struct plan **ret, struct err *err) MUST_CHECK;

#endif
