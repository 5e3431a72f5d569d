/* The result of a verb as JSON for users. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_VERB_JSON_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_VERB_JSON_H

#include <jansson.h>

#include "gateway/cell/command.h"

/* {"changed", "in_doubt", "held", "held_target", "state"} of a verb that succeeded. A new reference. */
json_t *verb_json_result(const struct verb_result *r);

#endif
