/* A log record as JSON, for `log export` and `saga show`. Thread: any. */
#ifndef ALMONER_MODEL_RECORD_JSON_H
#define ALMONER_MODEL_RECORD_JSON_H

#include <jansson.h>

#include "saga/model/plan.h"
#include "saga/model/record.h"

/* {"seq","commit","at","subject","id","record",…}; empty members are left out. `plan` gives the names of
 * steps; if it is NULL, "step" is a number. A text that is not UTF-8 is given as "hex:" and its digits.
 * Returns a new reference, never NULL. */
json_t *record_json(const struct record *record, enum subject subject, int64_t subject_id, int64_t seq,
					int64_t commit, const struct plan *plan);

#endif
