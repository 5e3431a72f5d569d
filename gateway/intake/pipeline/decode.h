/* Base64 as signatures and keys use it: RFC 4648 section 4, padded. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_DECODE_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/str.h"

/* Decodes the whole text. False for another alphabet, white space, wrong padding, an empty text, or more than
 * `capacity` bytes; `out` may be partly written then. Each value has exactly one accepted text. */
bool decode_base64(struct str text, uint8_t *out, size_t capacity, size_t *ret_len);

#endif
