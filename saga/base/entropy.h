/* Random numbers from the system's generator. Thread: any. */
#ifndef ALMONER_BASE_ENTROPY_H
#define ALMONER_BASE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* The random port: tests and the simulation bring their own. */
struct entropy {
	void *ctx;
	/* Uniform in [0, bound); 0 when bound is 0. */
	uint64_t (*below)(void *ctx, uint64_t bound);
};

struct entropy entropy_system(void);

/* Fills `len` bytes. Aborts when the generator fails: keys made without it could be guessed. */
void entropy_bytes(void *out, size_t len);

#define ENTROPY_POOL_BYTES 1024 /* chosen: 64 salts */

/* Random bytes that are drawn many at once, since each draw costs about a microsecond. A zeroed struct is an
 * empty pool. Not shared between threads. */
struct entropy_pool {
	uint8_t bytes[ENTROPY_POOL_BYTES];
	size_t left;
};
/* As entropy_bytes; at most ENTROPY_POOL_BYTES. */
void entropy_pool_take(struct entropy_pool *pool, void *out, size_t len);

#endif
