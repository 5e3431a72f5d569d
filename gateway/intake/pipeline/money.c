#include "gateway/intake/pipeline/money.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ISO 4217 list one (active codes with a minor unit), by number of decimals. Each code is followed by a
 * blank. */
static const char *const codes[] = {
	[0] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ",
	[2] = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
		  "CAD CDF "
		  "CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP "
		  "GMD GTQ "
		  "GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
		  "MGA MKD "
		  "MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR "
		  "RON RSD "
		  "RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD "
		  "TZS UAH "
		  "USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL ",
	[3] = "BHD IQD JOD KWD LYD OMR TND ",
	[4] = "CLF UYW ",
};
#define DECIMALS_MAX (sizeof codes / sizeof codes[0] - 1)

bool money_currency(struct str text, char ret_code[4], unsigned *ret_decimals)
{
	char wanted[5] = { 0 };
	if (text.len != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!isalpha((unsigned char)text.p[i]))
			return false;
		wanted[i] = (char)toupper((unsigned char)text.p[i]);
	}
	wanted[3] = ' ';
	for (unsigned d = 0; d <= DECIMALS_MAX; d++) {
		if (codes[d] == NULL || strstr(codes[d], wanted) == NULL)
			continue;
		memcpy(ret_code, wanted, 3);
		ret_code[3] = '\0';
		*ret_decimals = d;
		return true;
	}
	return false;
}

static int add_digit(int64_t *sum, int digit)
{
	if (*sum > (MONEY_MINOR_MAX - digit) / 10)
		return ERR_TOO_BIG;
	*sum = *sum * 10 + digit;
	return 0;
}

/* Only digits, at least one, and at most one point between digits? Gives the point's place (or the end). */
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

int money_parse(struct str text, unsigned decimals, int64_t *ret_minor, struct err *err)
{
	bool negative = text.len > 0 && text.p[0] == '-';
	struct str t = { text.p + negative, text.len - negative };
	size_t point;
	if (!well_formed(t, &point))
		return err_set(err, ERR_INVALID,
					   "is not a plain decimal number (expected digits with a point, such as 12.50)");
	int64_t sum = 0;
	int rc = 0;
	for (size_t i = 0; i < point && rc == 0; i++)
		rc = add_digit(&sum, t.p[i] - '0');
	for (unsigned d = 0; d < decimals && rc == 0; d++) {
		size_t at = point + 1 + d;
		rc = add_digit(&sum, at < t.len ? t.p[at] - '0' : 0);
	}
	if (rc != 0)
		return err_set(err, ERR_INVALID, "is too large");
	for (size_t at = point + 1 + decimals; at < t.len; at++) {
		if (t.p[at] != '0')
			return err_set(err, ERR_INVALID, "has more decimals than its currency, which has %u", decimals);
	}
	*ret_minor = negative ? -sum : sum;
	return 0;
}

void money_text(int64_t minor, unsigned decimals, char out[MONEY_TEXT_BYTES])
{
	uint64_t size = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	uint64_t unit = 1;
	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	const char *sign = minor < 0 ? "-" : "";
	if (decimals == 0)
		(void)snprintf(out, MONEY_TEXT_BYTES, "%s%llu", sign, (unsigned long long)size);
	else
		(void)snprintf(out, MONEY_TEXT_BYTES, "%s%llu.%0*llu", sign, (unsigned long long)(size / unit),
					   (int)decimals, (unsigned long long)(size % unit));
}
