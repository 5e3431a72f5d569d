/* HMAC of a text in pieces, with algorithms fetched once and one context per thread and hash. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_MAC_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_MAC_H

#include "config/config.h"
#include "saga/base/buf.h"

#define MAC_BYTES_MAX 64

/* Bytes of the hash's MAC. */
size_t mac_bytes(enum verify_hash hash);

/* The MAC of all parts one after the other, without anything between them. Aborts when the crypto library
 * fails. */
void mac_compute(enum verify_hash hash, struct str key, const struct str *parts, size_t count,
				 uint8_t out[MAC_BYTES_MAX]);

/* Constant time. */
bool mac_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif
