/* Log rows as JSON objects, one per record. */
#ifndef ALMONER_ADMIN_LOG_JSON_H
#define ALMONER_ADMIN_LOG_JSON_H

#include <jansson.h>

#include "saga/store/store.h"

/* Appends one object per record of the row to `list`; a row that does not decode becomes
 * {"record":"unreadable"}. `plan`: gives step names; NULL leaves step numbers. */
void log_row_json(const struct log_row *row, const struct plan *plan, json_t *list);

#endif
