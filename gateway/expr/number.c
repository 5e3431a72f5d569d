#include "gateway/expr/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/check.h"

/* The shortest text of a double has at most 17 significant digits (DBL_DECIMAL_DIG). */
#define DIGITS_MAX 17
/* Each decimal number with at most 15 digits survives a double unchanged (DBL_DIG). */
#define DIGITS_SAFE   15
#define EXPONENT_SAFE 300    /* smaller decimal exponents are safe: doubles end at 1.8e308 (DBL_MAX) */
#define EXPONENT_MAX  100000 /* larger exponents are read as about this large */

void number_shortest(double value, char out[NUMBER_TEXT_BYTES])
{
	assert(isfinite(value));
	if (value == trunc(value) && fabs(value) <= (double)NUMBER_SAFE_INT) {
		snprintf(out, NUMBER_TEXT_BYTES, "%lld", (long long)value);
		return;
	}
	for (int digits = DIGITS_SAFE; digits <= DIGITS_MAX; digits++) {
		snprintf(out, NUMBER_TEXT_BYTES, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			return;
	}
}

/* A decimal number: its significant digits, and the power of ten of the last digit. 0.0120 is "12" and -3. */
struct decimal {
	bool negative;
	bool too_long; /* more than DIGITS_MAX significant digits */
	unsigned count;
	long exponent;
	char digits[DIGITS_MAX + 1];
};

/* `zeros` counts the zeros read since the last other digit. They are significant only if another digit
 * follows. */
static void add_digit(struct decimal *d, char digit, unsigned *zeros)
{
	if (digit == '0') {
		*zeros += d->count > 0; /* leading zeros are never significant */
		return;
	}
	if (d->count + *zeros + 1 > DIGITS_MAX) {
		d->too_long = true;
		return;
	}
	memset(d->digits + d->count, '0', *zeros);
	d->count += *zeros;
	*zeros = 0;
	d->digits[d->count++] = digit;
}

/* The exponent whose sign and digits begin at `at`. An exponent beyond EXPONENT_MAX gives some value
 * beyond it. */
static long exponent_of(struct str text, size_t at)
{
	long value = 0;
	bool negative = at < text.len && text.p[at] == '-';
	for (size_t i = at; i < text.len; i++) {
		if (text.p[i] >= '0' && text.p[i] <= '9' && value < EXPONENT_MAX)
			value = value * 10 + (text.p[i] - '0');
	}
	return negative ? -value : value;
}

/* The number in `text`, which must be a valid JSON number. */
static struct decimal decimal_of(struct str text)
{
	struct decimal d = { 0 };
	unsigned zeros = 0;
	long fraction = 0;
	bool point = false;
	size_t i = 0;
	if (text.len > 0 && text.p[0] == '-') {
		d.negative = true;
		i = 1;
	}
	for (; i < text.len && text.p[i] != 'e' && text.p[i] != 'E'; i++) {
		if (text.p[i] == '.') {
			point = true;
			continue;
		}
		fraction += point;
		add_digit(&d, text.p[i], &zeros);
	}
	long written = i < text.len ? exponent_of(text, i + 1) : 0;
	d.exponent = written - fraction + (long)zeros;
	return d;
}

/* Few digits and a small exponent are decided at once; only the rest is converted and compared. */
bool number_is_exact(struct str token)
{
	struct decimal d = decimal_of(token);
	if (d.too_long)
		return false;
	if (d.count == 0)
		return true;
	long top = d.exponent + (long)d.count;
	if (d.count <= DIGITS_SAFE && top < EXPONENT_SAFE && top > -EXPONENT_SAFE)
		return true;
	char copy[64];
	if (token.len >= sizeof copy)
		return false;
	memcpy(copy, token.p, token.len);
	copy[token.len] = '\0';
	double value = strtod(copy, NULL);
	if (!isfinite(value))
		return false;
	char shortest[NUMBER_TEXT_BYTES];
	number_shortest(value, shortest);
	struct decimal reread = decimal_of(str_of(shortest));
	return reread.count == d.count && reread.exponent == d.exponent &&
		   memcmp(reread.digits, d.digits, d.count) == 0;
}
