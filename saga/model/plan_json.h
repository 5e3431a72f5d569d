/* The stored text of a plan. plan_parse (plan.h) reads it back. Thread: any. */
#ifndef ALMONER_MODEL_PLAN_JSON_H
#define ALMONER_MODEL_PLAN_JSON_H

#include "saga/model/plan.h"

/* The plan as compact JSON with sorted keys; members with their default value are left out. Equal plans give
 * equal texts, so the digest of the text identifies the plan. The caller frees the text. NULL if a name in
 * the plan is not UTF-8. */
char *plan_json_text(const struct plan *p);

#endif
