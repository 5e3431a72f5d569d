/* The story of one request for `source try`: one JSON object per stage, appended to an array. Every function
 * does nothing when `to` is NULL. `fault` NULL: the stage went well. Never a secret. */
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
void explain_result(json_t *to, const struct accept *accept, const char *note);

#endif
