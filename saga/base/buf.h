/* Growable byte buffer with a hard cap, and the integer codec of all our
 * binary formats: unsigned LEB128 varints, zig-zag for signed, length-prefixed
 * bytes. Readers never run past the end and never trust a length. */
#ifndef ALMONER_BASE_BUF_H
#define ALMONER_BASE_BUF_H

#include <stdint.h>

#include "saga/base/check.h"
#include "saga/base/str.h"

struct buf {
	char *data; /* NULL while empty; always NUL-terminated otherwise (the NUL is not counted) */
	size_t len;
	size_t capacity;
	size_t limit_bytes; /* 0: no cap */
	bool overflow;      /* an append was refused by the cap; sticky until buf_clear */
};

/* A zeroed struct buf is a valid empty buffer without a cap. */
void buf_init(struct buf *b, size_t limit_bytes);
void buf_free(struct buf *b);
void buf_clear(struct buf *b);           /* keeps the memory */
char *buf_take(struct buf *b);           /* moves the NUL-terminated data out; never NULL */
struct str buf_str(const struct buf *b); /* borrowed */
#define AUTO_BUF __attribute__((cleanup(buf_free)))

/* Appends; over the cap nothing is added and `overflow` is set. */
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_text(struct buf *b, const char *text);
void buf_byte(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

void buf_uint(struct buf *b, uint64_t value);
void buf_int(struct buf *b, int64_t value);
void buf_bytes(struct buf *b, const void *bytes, size_t len); /* length, then bytes */
void buf_string(struct buf *b, const char *text);             /* as buf_bytes; NULL is the empty string */

#endif
