#include "saga/base/entropy.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t random_below(void *ctx, uint64_t bound)
{
	(void)ctx;
	if (bound == 0)
		return 0;
	uint64_t value;
	entropy_bytes(&value, sizeof value);
	return value % bound; /* the bias is far below what retry jitter can show */
}

struct entropy entropy_system(void)
{
	return (struct entropy){ NULL, random_below };
}

void entropy_bytes(void *out, size_t len)
{
	if (RAND_bytes(out, (int)len) != 1) {
		fputs("almoner: the system's random generator failed, stopping\n", stderr);
		abort();
	}
}
