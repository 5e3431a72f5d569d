/* A log record as JSON, for `log export` and `saga show`. */
#ifndef ALMONER_MODEL_RECORD_JSON_H
#define ALMONER_MODEL_RECORD_JSON_H

#include <jansson.h>

#include "saga/model/plan.h"
#include "saga/model/record.h"

/* {"seq","commit","at","subject","id","record",…}: members that say nothing are left out. `plan` gives step
 * names; NULL: steps are numbered. Bytes that are not UTF-8 come as "hex:…". A new reference, never NULL. */
json_t *record_json(const struct record *record, enum subject subject, int64_t subject_id, int64_t seq,
					int64_t commit, const struct plan *plan);

#endif
