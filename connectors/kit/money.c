#include "connectors/kit/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct currency_exponent {
	const char *currencies;
	unsigned digits;
};

/* ISO 4217, the codes that do not have two digits. */
static const struct currency_exponent exponents[] = {
	{ "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0 },
	{ "BHD IQD JOD KWD LYD OMR TND", 3 },
	{ "CLF UYW", 4 },
};

static bool listed(const char *list, const char *currency)
{
	for (; *list != '\0'; list += list[3] == ' ' ? 4 : 3)
		if (strncasecmp(list, currency, 3) == 0)
			return true;
	return false;
}

unsigned kit_money_exponent(const char *currency)
{
	for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++)
		if (strlen(currency) == 3 && listed(exponents[i].currencies, currency))
			return exponents[i].digits;
	return 2;
}

static uint64_t power_of_ten(unsigned digits)
{
	uint64_t power = 1;
	while (digits-- > 0)
		power *= 10;
	return power;
}

void kit_money_text(int64_t minor, const char *currency, char out[KIT_MONEY_BYTES])
{
	unsigned digits = kit_money_exponent(currency);
	uint64_t unit = power_of_ten(digits);
	uint64_t size = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	const char *sign = minor < 0 ? "-" : "";
	if (digits == 0)
		(void)snprintf(out, KIT_MONEY_BYTES, "%s%" PRIu64, sign, size);
	else
		(void)snprintf(out, KIT_MONEY_BYTES, "%s%" PRIu64 ".%0*" PRIu64, sign, size / unit, (int)digits,
					   size % unit);
}

/* Reads at most `most` digits; false on overflow. */
static bool digits_into(const char **p, unsigned most, uint64_t *value, unsigned *count)
{
	for (*count = 0; *count < most && **p >= '0' && **p <= '9'; (*p)++, (*count)++) {
		if (*value > (INT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(**p - '0');
	}
	return true;
}

bool kit_money_parse(const char *text, const char *currency, int64_t *ret_minor)
{
	unsigned exponent = kit_money_exponent(currency);
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
		/* More zeros than the currency has digits change nothing. */
		if (fraction == exponent)
			p += strspn(p, "0");
	}
	uint64_t scale = power_of_ten(exponent - fraction);
	if (*p != '\0' || value > (uint64_t)INT64_MAX / scale)
		return false;
	*ret_minor = (negative ? -1 : 1) * (int64_t)(value * scale);
	return true;
}

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
