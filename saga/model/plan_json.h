/* The stored text of a plan. */
#ifndef ALMONER_MODEL_PLAN_JSON_H
#define ALMONER_MODEL_PLAN_JSON_H

#include "saga/model/plan.h"

/* Compact, keys sorted, members that have their default left out: equal plans give equal texts. The caller
 * frees; NULL when a text of the plan is not UTF-8. */
char *plan_json_text(const struct plan *p);

#endif
