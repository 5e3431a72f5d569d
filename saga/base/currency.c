#include "saga/base/currency.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ISO 4217, list one: the active codes that have a smallest unit, by number of decimals. Source: SIX, the
 * maintenance agency of the standard. Codes stand in groups of four characters: three letters and a blank.
 * Withdrawn codes (CUC, HRK, SLL, ZWL) stay in the table, because platforms still send
 * them. */
static const char *const codes[] = {
	[0] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ",
	[2] = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
		  "CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
		  "GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
		  "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB "
		  "PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP "
		  "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL ",
	[3] = "BHD IQD JOD KWD LYD OMR TND ",
	[4] = "CLF UYW ",
};

/* A list holds nothing but codes and blanks, so a match of three letters and a blank is always one code. */
static bool is_listed(const char *list, const char wanted[4])
{
	return memmem(list, strlen(list), wanted, 4) != NULL;
}

/* Searches the list of each number of decimals; upper and lower case are alike. */
bool currency_find(struct str code, char ret_code[4], unsigned *ret_decimals)
{
	char wanted[4] = { 0, 0, 0, ' ' };
	if (code.len != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!isalpha((unsigned char)code.p[i]))
			return false;
		wanted[i] = (char)toupper((unsigned char)code.p[i]);
	}
	for (unsigned decimals = 0; decimals <= CURRENCY_DECIMALS_MAX; decimals++) {
		if (codes[decimals] == NULL || !is_listed(codes[decimals], wanted))
			continue;
		memcpy(ret_code, wanted, 3);
		ret_code[3] = '\0';
		*ret_decimals = decimals;
		return true;
	}
	return false;
}

void currency_text(int64_t minor, unsigned decimals, char out[CURRENCY_TEXT_BYTES])
{
	assert(decimals <= CURRENCY_DECIMALS_MAX);
	uint64_t size = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	uint64_t unit = 1;
	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	const char *sign = minor < 0 ? "-" : "";
	if (decimals == 0)
		snprintf(out, CURRENCY_TEXT_BYTES, "%s%llu", sign, (unsigned long long)size);
	else
		snprintf(out, CURRENCY_TEXT_BYTES, "%s%llu.%0*llu", sign, (unsigned long long)(size / unit),
				 (int)decimals, (unsigned long long)(size % unit));
}
