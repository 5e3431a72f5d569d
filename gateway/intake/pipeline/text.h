/* A tree as compact JSON text: members in their order, numbers in their shortest exact form. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_TEXT_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_TEXT_H

#include <jansson.h>

#include "saga/base/buf.h"

/* Appends. `value` is no deeper than EXPR_DEPTH_MAX. */
void text_json(const json_t *value, struct buf *to);

#endif
