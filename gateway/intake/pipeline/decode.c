#include "gateway/intake/pipeline/decode.h"

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes four characters, of which the last `pad` are '='. */
static bool decode_group(const char *four, unsigned pad, uint8_t out[3])
{
	uint32_t bits = 0;
	for (unsigned i = 0; i < 4; i++) {
		int digit = i < 4 - pad ? base64_digit(four[i]) : 0;
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
	}
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
	/* The unused bits of the last character must be zero, so that each value has one text only. */
	return pad == 0 || (pad == 1 && out[2] == 0) || (pad == 2 && out[1] == 0 && out[2] == 0);
}

/* Padding is only allowed in the last group; decode_group rejects '=' everywhere else. */
bool decode_base64(struct str text, uint8_t *out, size_t capacity, size_t *ret_len)
{
	if (text.len == 0 || text.len % 4 != 0)
		return false;
	unsigned pad = text.p[text.len - 1] != '=' ? 0 : text.p[text.len - 2] != '=' ? 1 : 2;
	size_t len = text.len / 4 * 3 - pad;
	if (len > capacity)
		return false;
	for (size_t i = 0; i < text.len / 4; i++) {
		uint8_t three[3];
		bool last = i + 1 == text.len / 4;
		if (!decode_group(text.p + 4 * i, last ? pad : 0, three))
			return false;
		for (size_t b = 0; b < 3 && 3 * i + b < len; b++)
			out[3 * i + b] = three[b];
	}
	*ret_len = len;
	return true;
}
