#include "connectors/kit/money.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "connectors/kit/json.h"
#include "saga/base/buf.h"
#include "saga/base/currency.h"

static unsigned decimals_of(const char *currency)
{
	char code[4];
	unsigned decimals = 2;
	currency_find(str_of(currency), code, &decimals);
	return decimals;
}

void kit_money_text(int64_t minor, const char *currency, char out[KIT_MONEY_BYTES])
{
	static_assert(KIT_MONEY_BYTES >= CURRENCY_TEXT_BYTES, "room for the text of every amount");
	assert(currency != NULL);
	currency_text(minor, decimals_of(currency), out);
}

/* Reads at most `most` digits into *value and counts them; false if the value would become too large. */
static bool digits_into(const char **p, unsigned most, uint64_t *value, unsigned *count)
{
	for (*count = 0; *count < most && **p >= '0' && **p <= '9'; (*p)++, (*count)++) {
		if (*value > (INT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(**p - '0');
	}
	return true;
}

/* A text has at most 18 digits before the point: no currency needs more. */
bool kit_money_parse(const char *text, const char *currency, int64_t *ret_minor)
{
	assert(text != NULL && currency != NULL);
	unsigned exponent = decimals_of(currency);
	bool negative = *text == '-';
	const char *p = text + (negative ? 1 : 0);
	uint64_t value = 0;
	unsigned whole = 0;
	unsigned fraction = 0;
	if (!digits_into(&p, 18, &value, &whole) || whole == 0)
		return false;
	if (*p == '.') {
		p++;
		if (*p < '0' || *p > '9' || !digits_into(&p, exponent, &value, &fraction))
			return false;
		/* Zeros behind the last decimal of the currency do not change the amount. */
		if (fraction == exponent)
			p += strspn(p, "0");
	}
	for (; fraction < exponent; fraction++) {
		if (value > INT64_MAX / 10)
			return false;
		value *= 10;
	}
	if (*p != '\0')
		return false;
	*ret_minor = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* The event comes from the map of the source, which may omit or break the amount: both are REJECTED. */
bool kit_money_of_event(struct kit_context *context, struct kit_money *ret_money, struct kit_problem *problem)
{
	const json_t *minor = kit_context_at(context, "amount.minor");
	const char *currency = kit_context_text(context, "amount.currency");
	if (!json_is_integer(minor))
		return kit_problem_set(problem, ALMONER_REJECTED, "the event has no amount.minor, a whole number");
	if (currency == NULL || strlen(currency) != 3)
		return kit_problem_set(problem, ALMONER_REJECTED,
							   "the event has no amount.currency, three letters of ISO 4217");
	ret_money->minor = json_integer_value(minor);
	for (size_t i = 0; i < 3; i++) {
		char c = currency[i];
		ret_money->currency[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		if (ret_money->currency[i] < 'A' || ret_money->currency[i] > 'Z')
			return kit_problem_set(problem, ALMONER_REJECTED, "amount.currency is not three letters");
	}
	ret_money->currency[3] = '\0';
	kit_money_text(ret_money->minor, ret_money->currency, ret_money->text);
	return true;
}

bool kit_money_is(const struct kit_money *money, const json_t *amount, const char *currency)
{
	assert(strlen(money->currency) == 3);
	struct kit_text text AUTO_TEXT = { 0 };
	int64_t minor = 0;
	if (currency != NULL && strcasecmp(currency, money->currency) != 0)
		return false;
	return kit_json_scalar(&text, amount) &&
		   kit_money_parse(kit_text_view(&text).p, money->currency, &minor) && minor == money->minor;
}
