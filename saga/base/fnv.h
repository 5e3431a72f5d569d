/* FNV-1a, 32 and 64 bits: a fast hash for tables and checksums. It does not withstand an attacker who chooses
 * the input. A hash is computed piece by piece: begin with the basis, pass each result to the next call.
 * Basis and prime: http://www.isthe.com/chongo/tech/comp/fnv/. Thread: any. */
#ifndef ALMONER_BASE_FNV_H
#define ALMONER_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV32_BASIS UINT32_C(2166136261)
#define FNV64_BASIS UINT64_C(14695981039346656037)

/* `bytes` may be NULL when `len` is 0. */
static inline uint32_t fnv32(uint32_t hash, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT32_C(16777619);
	return hash;
}

/* `bytes` may be NULL when `len` is 0. */
static inline uint64_t fnv64(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT64_C(1099511628211);
	return hash;
}

#endif
