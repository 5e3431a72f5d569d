/* A growing byte buffer with an optional limit, and the writing half of the binary codec of all stored forms:
 * unsigned numbers as LEB128 varints, signed ones zig-zag encoded, bytes after their length. reader.h has the
 * reading half. Not shared between threads. */
#ifndef ALMONER_BASE_BUF_H
#define ALMONER_BASE_BUF_H

#include <stdint.h>

#include "saga/base/check.h"
#include "saga/base/str.h"

struct buf {
	char *data; /* NULL while empty; always NUL-terminated otherwise (the NUL is not counted) */
	size_t len;
	size_t capacity;
	size_t limit_bytes; /* largest `len`; 0: no limit */
	bool overflow;      /* an append was left out because of the limit; stays set until buf_clear */
};

/* A zeroed struct buf is a valid empty buffer without a limit. */
void buf_init(struct buf *b, size_t limit_bytes);
void buf_free(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
/* gives the data of the buffer, NUL-terminated, to the caller, who frees it; never NULL */
char *buf_take(struct buf *b);
struct str buf_str(const struct buf *b); /* the bytes of the buffer, borrowed until its next change */
#define AUTO_BUF __attribute__((cleanup(buf_free)))

/* Appends. If the limit would be passed, nothing of this append is added and `overflow` is set. */
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_text(struct buf *b, const char *text);
void buf_byte(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- the binary codec ---- */

void buf_uint(struct buf *b, uint64_t value);
void buf_int(struct buf *b, int64_t value);
void buf_bytes(struct buf *b, const void *bytes, size_t len); /* length, then bytes */
void buf_string(struct buf *b, const char *text);             /* like buf_bytes; NULL counts as "" */

#endif
