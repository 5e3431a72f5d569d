/* Log rows as JSON objects, one per record. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_LOG_JSON_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_LOG_JSON_H

#include <jansson.h>

#include "saga/store/store.h"

/* Appends one object per record of the row to `list`; a row that does not decode becomes
 * {"record":"unreadable"}. `plan`: gives step names; NULL leaves step numbers. */
void log_json_row(const struct log_row *row, const struct plan *plan, json_t *list);

#endif
