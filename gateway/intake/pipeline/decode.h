/* Hex and base64 as signatures use them. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_DECODE_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"

/* Each decodes exactly; false for another alphabet, bad padding, or more than `room` bytes. Hex in either
 * case; base64 is RFC 4648 section 4, padded. */
bool decode_hex(struct str text, uint8_t *out, size_t capacity, size_t *ret_len);
bool decode_base64(struct str text, uint8_t *out, size_t capacity, size_t *ret_len);

#endif
