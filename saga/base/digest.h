/* SHA-256 with the algorithm fetched once and one context per thread.
 * Thread: any. */
#ifndef ALMONER_BASE_DIGEST_H
#define ALMONER_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "saga/base/str.h"

#define DIGEST_BYTES   32
#define DIGEST16_BYTES 16

/* Digest of the parts, each preceded by its length as 8 bytes little endian, so that ("ab","c") and
 * ("a","bc") differ. Aborts when the crypto library fails: nothing can be trusted after that. */
void digest_parts(const struct str *parts, size_t count, uint8_t out[DIGEST_BYTES]);

/* The plain SHA-256 of one run of bytes (no length prefix). */
void digest_bytes(const void *bytes, size_t len, uint8_t out[DIGEST_BYTES]);

#endif
