/* Amounts in minor units as decimal text, without ever touching a double. */
#ifndef ALMONER_KIT_MONEY_H
#define ALMONER_KIT_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/kit/context.h"

#define KIT_MONEY_BYTES 32

/* Digits after the point of a currency (ISO 4217): 2 unless listed. The code's case does not matter. */
unsigned kit_money_exponent(const char *currency);
/* 2550, "EUR" → "25.50"; 2550, "JPY" → "2550". */
void kit_money_text(int64_t minor, const char *currency, char out[KIT_MONEY_BYTES]);
/* Reads a decimal text or the text of a JSON number exactly; false when it has more digits than the currency,
 * or is no amount at all. */
bool kit_money_parse(const char *text, const char *currency, int64_t *ret_minor);

/* amount.minor and amount.currency of the event, after kit_context_load. */
struct kit_money {
	int64_t minor;
	char currency[4]; /* upper case */
	char text[KIT_MONEY_BYTES];
};
bool kit_money_of_event(struct kit_context *context, struct kit_money *ret_money,
						struct kit_problem *problem);

#endif
