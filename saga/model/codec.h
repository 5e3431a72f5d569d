/* What the codecs of sagas and log records share. */
#ifndef ALMONER_MODEL_CODEC_H
#define ALMONER_MODEL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
