/* SHA-256. The algorithm is fetched once for the process, and each thread keeps one context.
 * Thread: any. */
#ifndef ALMONER_BASE_DIGEST_H
#define ALMONER_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "saga/base/str.h"

#define DIGEST_BYTES 32
/* bytes of the first half of a digest, which is enough to tell values apart in some places */
#define DIGEST16_BYTES 16

/* The digest of all parts, each after its length as 8 bytes, least significant first; so ("ab","c") and
 * ("a","bc") have different digests. Aborts if the crypto library fails, because no digest can be trusted
 * after that. */
void digest_parts(const struct str *parts, size_t count, uint8_t out[DIGEST_BYTES]);

/* The plain SHA-256 of one run of bytes, without a length before it. */
void digest_bytes(const void *bytes, size_t len, uint8_t out[DIGEST_BYTES]);

#endif
