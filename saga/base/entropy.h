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

#endif
