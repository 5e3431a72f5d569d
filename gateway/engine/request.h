/* The digest that keeps the bytes of a step's request the same in all attempts of one generation
 * (saga/DESIGN.md "Pinned and current"). Pure. Thread: any. */
#ifndef ALMONER_ENGINE_REQUEST_H
#define ALMONER_ENGINE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"

/* bytes of a request's digest, which is stored in the log like struct outcome's `body` */
#define REQUEST_DIGEST_BYTES 16

/* Bytes 0 to 3 identify the exchange: FNV-1a over its kind and, for HTTP, method and path, for mail the
 * recipient. Bytes 4 to 15 are the first 12 bytes of a SHA-256 over the content: for HTTP query and body,
 * for mail the message. Scheme, host, headers and credentials are left out, because each attempt uses the
 * current ones. */
void request_digest(const struct almoner_action *action, uint8_t ret_digest[REQUEST_DIGEST_BYTES]);

/* True when both digests are of one exchange and the content of that exchange differs. Digests of
 * different exchanges never count as changed, because a step may consist of several exchanges. */
bool request_changed(const uint8_t before[REQUEST_DIGEST_BYTES], const uint8_t now[REQUEST_DIGEST_BYTES]);

#endif
