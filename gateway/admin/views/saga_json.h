/* A saga as JSON for users. The members are an interface: new ones may be added, existing ones stay as they
 * are. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_SAGA_JSON_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_SAGA_JSON_H

#include <jansson.h>

#include "saga/model/saga.h"

/* id, state, reason, source, event_id, type, gift, key, created_at, steps:[{name, target, state, reason,
 * attempts, next_at, outcome, detail, result, …}]. A new reference. */
json_t *saga_json(const struct saga *s);

#endif
