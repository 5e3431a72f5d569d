#include "saga/base/utf8.h"

/* One row for each range of first bytes (RFC 3629, section 4): the range that the second byte must lie in is
 * what excludes overlong forms, surrogates and too large values. Every later byte lies in 80..BF. */
static const struct utf8_range {
	uint8_t first, last;
	uint8_t second_low, second_high;
	uint8_t bytes;
} ranges[] = {
	{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* The row for a first byte; NULL if no character begins with it. */
static const struct utf8_range *range_of(uint8_t first)
{
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (first >= ranges[i].first && first <= ranges[i].last)
			return &ranges[i];
	return NULL;
}

/* Only the second byte has a range of its own; the bytes after it must be continuation bytes. */
size_t utf8_length(const char *p, size_t len)
{
	if (len == 0)
		return 0;
	const struct utf8_range *range = range_of((uint8_t)p[0]);
	if (range == NULL || range->bytes > len)
		return 0;
	if (range->bytes == 1)
		return 1;
	if ((uint8_t)p[1] < range->second_low || (uint8_t)p[1] > range->second_high)
		return 0;
	for (size_t i = 2; i < range->bytes; i++)
		if (((uint8_t)p[i] & 0xc0) != 0x80)
			return 0;
	return range->bytes;
}

int32_t utf8_next(struct str *text)
{
	static const uint8_t first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 }; /* by the number of bytes */
	size_t len = utf8_length(text->p, text->len);
	if (len == 0)
		return -1;
	int32_t code = (uint8_t)text->p[0] & first_bits[len];
	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((uint8_t)text->p[i] & 0x3f);
	*text = (struct str){ text->p + len, text->len - len };
	return code;
}

bool utf8_valid(struct str text)
{
	while (text.len > 0) {
		size_t len = utf8_length(text.p, text.len);
		if (len == 0)
			return false;
		text = (struct str){ text.p + len, text.len - len };
	}
	return true;
}
