/* The result of a verb as users see it. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_VERB_JSON_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_VERB_JSON_H

#include <jansson.h>

#include "saga/journal/operator_port.h"

/* {"changed", "in_doubt", "held", "held_target", "state"}. A new reference. */
json_t *verb_json_result(const struct verb_result *r);

#endif
