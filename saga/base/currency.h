/* The currencies of ISO 4217 and the decimal text of an amount. The only table of currency decimals in the
 * project: intake and the connectors both use it. Pure. Thread: any. */
#ifndef ALMONER_BASE_CURRENCY_H
#define ALMONER_BASE_CURRENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"

/* Room for every amount: a sign, 20 digits of a 64-bit number, a point and the NUL; rounded up. */
#define CURRENCY_TEXT_BYTES 32
/* No currency of ISO 4217 has more decimals. */
#define CURRENCY_DECIMALS_MAX 4

/* True if `code` is a currency of ISO 4217 that has a smallest unit; upper and lower case are equal. Fills
 * the code in upper case and the number of decimals. False (XAU, XXX, any other text): the outputs stay
 * untouched. */
bool currency_find(struct str code, char ret_code[4], unsigned *ret_decimals);

/* Writes an amount of the smallest unit as a decimal text: 1250 with 2 decimals is "12.50"; with 0 decimals
 * "1250". Covers all of int64_t. */
void currency_text(int64_t minor, unsigned decimals, char out[CURRENCY_TEXT_BYTES]);

#endif
