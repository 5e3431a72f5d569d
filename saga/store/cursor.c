#include "saga/store/cursor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/hex.h"

#define CURSOR_BYTES (2 + 8)

static void put_big_endian(uint64_t value, size_t len, uint8_t *to)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static uint64_t get_big_endian(const uint8_t *from, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | from[i];
	return value;
}

void store_cursor_write(enum store_list list, struct store_cursor cursor, char ret[STORE_CURSOR_TEXT])
{
	uint8_t bytes[CURSOR_BYTES];
	assert(cursor.number >= 0);
	put_big_endian(cursor.part, 2, bytes);
	put_big_endian((uint64_t)cursor.number, 8, bytes + 2);
	ret[0] = (char)list;
	hex_encode(bytes, sizeof bytes, ret + 1);
}

static bool read_number(const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || text[digits] != '\0')
		return false;
	errno = 0;
	*ret = strtoll(text, NULL, 10);
	return errno == 0;
}

static bool read_text(enum store_list list, const char *text, struct store_cursor *ret)
{
	uint8_t bytes[CURSOR_BYTES];
	size_t len = 0;
	if (text[0] != (char)list || !hex_decode(str_of(text + 1), bytes, sizeof bytes, &len) ||
		len != sizeof bytes || (bytes[2] & 0x80) != 0)
		return false;
	ret->part = (uint16_t)get_big_endian(bytes, 2);
	ret->number = (int64_t)get_big_endian(bytes + 2, 8);
	return true;
}

int store_cursor_read(enum store_list list, const char *text, struct store_cursor *ret, struct err *err)
{
	struct store_cursor cursor = { 0 };
	if (!read_number(text, &cursor.number) && !read_text(list, text, &cursor))
		return err_set(
			err, ERR_INVALID,
			"\"%.64s\" is no position in this list; give a whole number, or the `cursor` of a row that "
			"the same list has shown",
			text);
	*ret = cursor;
	return 0;
}
