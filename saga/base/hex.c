#include "saga/base/hex.h"

void hex_encode(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

int hex_digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct str text, uint8_t *out, size_t capacity, size_t *ret_len)
{
	if (text.len % 2 != 0 || text.len / 2 > capacity)
		return false;
	for (size_t i = 0; i < text.len / 2; i++) {
		int high = hex_digit_value(text.p[2 * i]);
		int low = hex_digit_value(text.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high * 16 + low);
	}
	*ret_len = text.len / 2;
	return true;
}
