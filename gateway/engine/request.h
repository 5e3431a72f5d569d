/* The digest that holds a step's request bytes frozen within a generation (DESIGN §6). Pure. Thread: any. */
#ifndef ALMONER_ENGINE_REQUEST_H
#define ALMONER_ENGINE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"

#define REQUEST_DIGEST_BYTES 16

/* Bytes 0–3 say *which* exchange it is: FNV-1a over the kind and, for HTTP, method and path, for mail the
 * recipient. Bytes 4–15 are the first 12 of the SHA-256 over what it says: for HTTP the query and the body,
 * for mail the message. Scheme, host, headers and credentials are left out: they are current at each attempt.
 */
void request_digest(const struct almoner_action *action, uint8_t ret_digest[REQUEST_DIGEST_BYTES]);

/* The same exchange, but it says something else. Different exchanges of one step are never compared. */
bool request_changed(const uint8_t before[REQUEST_DIGEST_BYTES], const uint8_t now[REQUEST_DIGEST_BYTES]);

#endif
