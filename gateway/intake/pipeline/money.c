#include "gateway/intake/pipeline/money.h"

#include <ctype.h>

#include "saga/base/currency.h"

/* Appends one digit to an amount; fails if the amount would pass MONEY_MINOR_MAX. */
static int add_digit(int64_t *sum, int digit)
{
	if (*sum > (MONEY_MINOR_MAX - digit) / 10)
		return ERR_TOO_BIG;
	*sum = *sum * 10 + digit;
	return 0;
}

/* True if `t` consists of digits with at most one point between two of them. *ret_point: the position of
 * the point, or the length of `t` without one. */
static bool well_formed(struct str t, size_t *ret_point)
{
	size_t point = t.len;
	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] == '.' && point == t.len && i > 0 && i + 1 < t.len)
			point = i;
		else if (!isdigit((unsigned char)t.p[i]))
			return false;
	}
	*ret_point = point;
	return t.len > 0;
}

/* Reads the digits before the point, and as many after the point as the currency has decimals; missing
 * decimals are zeros. */
int money_parse(struct str text, unsigned decimals, int64_t *ret_minor, struct err *err)
{
	assert(decimals <= CURRENCY_DECIMALS_MAX);
	bool negative = text.len > 0 && text.p[0] == '-';
	struct str t = { text.p + negative, text.len - negative };
	size_t point;
	if (!well_formed(t, &point))
		return err_set(
			err, ERR_INVALID,
			"the number is not a plain decimal number (expected digits with a point, such as 12.50)");
	int64_t sum = 0;
	int rc = 0;
	for (size_t i = 0; i < point && rc == 0; i++)
		rc = add_digit(&sum, t.p[i] - '0');
	for (unsigned d = 0; d < decimals && rc == 0; d++) {
		size_t at = point + 1 + d;
		rc = add_digit(&sum, at < t.len ? t.p[at] - '0' : 0);
	}
	if (rc != 0)
		return err_set(err, ERR_INVALID, "the number is too large");
	for (size_t at = point + 1 + decimals; at < t.len; at++) {
		if (t.p[at] != '0')
			return err_set(err, ERR_INVALID, "the number has more decimals than its currency, which has %u",
						   decimals);
	}
	*ret_minor = negative ? -sum : sum;
	return 0;
}
