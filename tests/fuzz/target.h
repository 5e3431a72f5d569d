/* What the fuzz targets share. */
#ifndef ALMONER_TESTS_FUZZ_TARGET_H
#define ALMONER_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "saga/base/buf.h"

/* libFuzzer calls this for each input. It aborts the process when a promise is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the bytes up to the next `end` byte off `rest`; all of them when there is none. */
static inline struct str fuzz_until(struct str *rest, char end)
{
	const char *found = rest->len > 0 ? memchr(rest->p, end, rest->len) : NULL;
	struct str part = { rest->p, found != NULL ? (size_t)(found - rest->p) : rest->len };
	size_t taken = part.len + (found != NULL ? 1 : 0);
	*rest = (struct str){ rest->p + taken, rest->len - taken };
	return part;
}

/* Takes one byte off `rest`; 0 when it is empty. */
static inline uint8_t fuzz_byte(struct str *rest)
{
	if (rest->len == 0)
		return 0;
	uint8_t byte = (uint8_t)rest->p[0];
	*rest = (struct str){ rest->p + 1, rest->len - 1 };
	return byte;
}

#endif
