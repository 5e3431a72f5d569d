#include "saga/base/percent.h"

#include "saga/base/hex.h"

/* The byte that the %XX at the front of `text` stands for; -1 when there is no such escape. */
static int escaped_byte(struct str text)
{
	if (text.len < 3 || text.p[0] != '%')
		return -1;
	int high = hex_digit_value(text.p[1]);
	int low = hex_digit_value(text.p[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Writes never pass the byte being read, so `out` may be the input itself. */
bool percent_decode(struct str text, char *out, size_t *ret_len)
{
	bool whole = true;
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		int byte = escaped_byte((struct str){ text.p + i, text.len - i });
		if (byte >= 0) {
			out[len++] = (char)byte;
			i += 2;
		} else {
			whole = whole && text.p[i] != '%';
			out[len++] = text.p[i] == '+' ? ' ' : text.p[i];
		}
	}
	*ret_len = len;
	return whole;
}
