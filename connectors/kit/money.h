/* Amounts of money as decimal text. An amount is a whole number of the smallest unit of its currency; no
 * floating point is used. */
#ifndef ALMONER_KIT_MONEY_H
#define ALMONER_KIT_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/kit/context.h"

/* A sign, the 20 digits of a 64-bit number, a point and the NUL; rounded up. */
#define KIT_MONEY_BYTES 32

/* Writes 2550 of "EUR" as "25.50" and 2550 of "JPY" as "2550". A currency that ISO 4217 does not list has two
 * decimals; the case of the code does not matter. */
void kit_money_text(int64_t minor, const char *currency, char out[KIT_MONEY_BYTES]);
/* Reads a decimal text exactly. False if `text` is no amount, or has more decimals than the currency (zeros
 * at the end do not count); `ret_minor` then stays untouched. */
bool kit_money_parse(const char *text, const char *currency, int64_t *ret_minor);

/* The amount of the gift. */
struct kit_money {
	int64_t minor;
	char currency[4]; /* upper case */
	char text[KIT_MONEY_BYTES];
};

/* Reads amount.minor and amount.currency of the event; needs a loaded context. False with `problem` filled
 * (REJECTED) if the event lacks one of them. */
bool kit_money_of_event(struct kit_context *context, struct kit_money *ret_money,
						struct kit_problem *problem);
/* True if an amount in a reply (a number or text) is exactly this amount. `currency` is the one that the
 * reply names; NULL: the reply names none, and the amount alone decides. */
bool kit_money_is(const struct kit_money *money, const json_t *amount, const char *currency);

#endif
