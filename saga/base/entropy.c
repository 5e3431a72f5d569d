#include "saga/base/entropy.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/check.h"

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

/* The bytes that are given out are wiped: nothing else may have them. */
void entropy_pool_take(struct entropy_pool *pool, void *out, size_t len)
{
	assert(len <= sizeof pool->bytes);
	if (pool->left < len) {
		entropy_bytes(pool->bytes, sizeof pool->bytes);
		pool->left = sizeof pool->bytes;
	}
	pool->left -= len;
	memcpy(out, pool->bytes + pool->left, len);
	memset(pool->bytes + pool->left, 0, len);
}
