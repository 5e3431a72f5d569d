/* HMAC of a text in pieces. The algorithms are fetched once, and each thread keeps one context for each
 * hash, because OpenSSL 3 makes both expensive. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_MAC_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_MAC_H

#include "config/config.h"
#include "saga/base/buf.h"

#define MAC_BYTES_MAX 64 /* HMAC-SHA512 */

/* The length of a MAC with this hash, in bytes. */
size_t mac_bytes(enum verify_hash hash);

/* The MAC of all parts one after the other, with nothing between them. `key` must not be empty. Ends the
 * process when the crypto library fails: without it nothing can be verified. */
void mac_compute(enum verify_hash hash, struct str key, const struct str *parts, size_t count,
				 uint8_t out[MAC_BYTES_MAX]);

/* Compares in constant time. */
bool mac_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif
