/* Writes a JSON tree as compact text: members in their order, numbers in their shortest exact form.
 * jansson's own writer prints doubles with 17 digits. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_TEXT_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_TEXT_H

#include <jansson.h>

#include "saga/base/buf.h"

/* Appends the JSON text of `value` to `to`. `value` must not be nested deeper than EXPR_DEPTH_MAX, because
 * text_json calls itself. */
void text_json(const json_t *value, struct buf *to);

#endif
