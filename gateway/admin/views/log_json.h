/* Rows of the log as JSON for users. A row holds one or more records; each becomes one object. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_LOG_JSON_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_LOG_JSON_H

#include <jansson.h>

#include "saga/store/store.h"

/* Appends the objects of the row's records to the array `list`, without the records that are only for the store
 * (record_is_internal). A row that cannot be decoded ends with an
 * object {"record":"unreadable"}. `plan`: the plan of the row's saga, for the names of steps; with NULL the
 * objects have the numbers of steps. */
void log_json_row(const struct log_row *row, const struct plan *plan, json_t *list);

#endif
