/* Reads what the binary codec of buf.h has written, from front to back. The bytes may be damaged or hostile:
 * a reader never reads past their end and never trusts a length in them. Thread: any (one reader, one
 * thread). */
#ifndef ALMONER_BASE_READER_H
#define ALMONER_BASE_READER_H

#include <stdint.h>

#include "saga/base/str.h"

/* Borrows its input. `bad` becomes true at the first value that does not decode and stays true; from then on
 * every read gives zero or the empty string. So a caller may read a whole structure and check once. */
struct reader {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

/* `bytes` may be NULL when `len` is 0. */
struct reader reader_of(const void *bytes, size_t len);
uint8_t reader_byte(struct reader *r);
uint64_t reader_uint(struct reader *r); /* written by buf_uint */
int64_t reader_int(struct reader *r);   /* written by buf_int */
/* a text that buf_bytes has written; the result points into the input */
struct str reader_bytes(struct reader *r);
/* Copies exactly `len` bytes that have no length before them. Fills `to` with zeros when they are missing. */
void reader_fixed(struct reader *r, void *to, size_t len);
/* True if every value decoded and no byte is left over. */
bool reader_done(const struct reader *r);

#endif
