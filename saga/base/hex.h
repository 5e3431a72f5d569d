/* Hexadecimal text: two digits a byte. Thread: any. */
#ifndef ALMONER_BASE_HEX_H
#define ALMONER_BASE_HEX_H

#include <stdint.h>

#include "saga/base/str.h"

/* Writes lower-case digits and a NUL; `out` has space for 2 * len + 1 bytes. */
void hex_encode(const uint8_t *bytes, size_t len, char *out);

/* The value of one digit, 0 to 15, in either case; -1 for any other character. */
int hex_digit_value(char c);

/* Decodes digits of either case into at most `capacity` bytes and sets `*ret_len` to their number. False when
 * `text` has an odd length, another character, or more bytes than `capacity`; `out` may be partly written
 * then. */
bool hex_decode(struct str text, uint8_t *out, size_t capacity, size_t *ret_len);

#endif
