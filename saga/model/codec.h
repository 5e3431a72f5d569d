/* What the codecs of sagas and log records share. */
#ifndef ALMONER_MODEL_CODEC_H
#define ALMONER_MODEL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saga/base/reader.h"

/* Times are stored as differences to another time, because small numbers are stored in few bytes. A
 * difference may wrap around: wrapping_add gives back exactly the time that wrapping_sub was given, for any
 * two values, also for those of a damaged store. */
static inline int64_t wrapping_sub(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t wrapping_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* A detail that is only the status of a reply ("200") is stored as a number. */
#define CODEC_DECIMAL_MAX 999999999

/* True, with the number, if the text is a number from 1 to CODEC_DECIMAL_MAX exactly as "%u" writes it. */
static inline bool codec_decimal(const char *text, size_t len, uint32_t *ret)
{
	uint32_t value = 0;
	if (len == 0 || len > 9 || text[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	*ret = value;
	return true;
}

/* The next member of a stored form. `has`: a flag says that the member is there; else nothing is read, and the
 * member has its default (0, NULL). Bytes that do not decode set r->bad. */

uint32_t codec_take_u32(struct reader *r, bool has);
int64_t codec_take_time(struct reader *r, bool has, int64_t base_ms);
/* A text without NUL bytes, the caller's to free. */
char *codec_take_text(struct reader *r, bool has);
/* Any bytes, the caller's to free. *ret_len is set only with them. */
char *codec_take_bytes(struct reader *r, bool has, uint32_t *ret_len);

#endif
