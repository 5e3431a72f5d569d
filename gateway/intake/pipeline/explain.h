/* What happened to one request, for `source try`: each stage of the pipeline appends one JSON object to an
 * array: {"stage":"verify|parse|identify|map|route|result","ok":bool,"detail":why not,…}. The objects hold
 * the donor's data, but never a secret.
 *
 * `to` is the array; every function does nothing when it is NULL. `fault`: why the stage failed; NULL: it
 * succeeded. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_EXPLAIN_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_EXPLAIN_H

#include <jansson.h>

#include "gateway/intake/pipeline/body.h"
#include "gateway/intake/pipeline/identify.h"
#include "gateway/intake/pipeline/route.h"
#include "saga/journal/intake_port.h"

void explain_verify(json_t *to, const struct config_verify *config, enum verify_verdict verdict);
void explain_parse(json_t *to, const struct body *body, const char *fault);
void explain_identity(json_t *to, const struct identity *identity, const char *fault);
void explain_map(json_t *to, json_t *event, const struct identity *identity, const char *fault);
void explain_route(json_t *to, const struct rules *rules, const struct routing *routing,
				   struct expr_input *event, const char *fault);
/* `note`: why the event is quarantined; "" if the event is not quarantined. */
void explain_result(json_t *to, const struct accept *accept, const char *note);

#endif
