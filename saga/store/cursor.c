#include "saga/store/cursor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/hex.h"

#define CURSOR_BYTES 8

void store_cursor_write(enum store_list list, int64_t position, char ret[STORE_CURSOR_TEXT])
{
	uint8_t bytes[CURSOR_BYTES];
	assert(position >= 0);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(position >> 8 * (sizeof bytes - 1 - i));
	ret[0] = (char)list;
	hex_encode(bytes, sizeof bytes, ret + 1);
}

static bool read_number(const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || text[digits] != '\0')
		return false;
	errno = 0;
	int64_t number = strtoll(text, NULL, 10);
	if (errno != 0)
		return false;
	*ret = number < STORE_NUMBER_MAX ? number : STORE_NUMBER_MAX;
	return true;
}

static bool read_cursor(enum store_list list, const char *text, int64_t *ret)
{
	uint8_t bytes[CURSOR_BYTES];
	size_t len = 0;
	if (text[0] != (char)list || !hex_decode(str_of(text + 1), bytes, sizeof bytes, &len) ||
		len != sizeof bytes || (bytes[0] & 0x80) != 0)
		return false;
	uint64_t position = 0;
	for (size_t i = 0; i < sizeof bytes; i++)
		position = position << 8 | bytes[i];
	*ret = (int64_t)position;
	return true;
}

int store_cursor_read(enum store_list list, const char *text, int64_t *ret_position, struct err *err)
{
	if (read_number(text, ret_position) || read_cursor(list, text, ret_position))
		return 0;
	return err_set(
		err, ERR_INVALID,
		"\"%.64s\" is no position in this list; give a whole number of 0 or more, or the `cursor` of a "
		"row that this list has shown",
		text);
}
