/* What the codecs of sagas and log records share. */
#ifndef ALMONER_MODEL_CODEC_H
#define ALMONER_MODEL_CODEC_H

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

#endif
