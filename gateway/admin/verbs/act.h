/* Shared by the handlers that change something. Private to the room. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_ACT_H
#define ALMONER_GATEWAY_ADMIN_VERBS_ACT_H

#include "gateway/admin/call.h"

/* {"changed", "in_doubt", "held", "held_target", "state"}. A new reference. */
json_t *act_result_json(const struct verb_result *r);
/* The verb of a path; `resolve` reads "as" from the body. */
int act_parse_verb(const char *word, const json_t *body, enum verb *ret, struct err *err) MUST_CHECK;

#endif
