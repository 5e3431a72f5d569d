/* The addresses of senders: whether an address is a trusted proxy, which sender stands behind a proxy, and
 * how many connections each address has. Not locked: the server's lock guards struct peers. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_PEERS_H
#define ALMONER_GATEWAY_INTAKE_SERVER_PEERS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "config/config.h"

struct peer_address {
	int family; /* AF_INET, AF_INET6, or 0: unknown */
	/* the address in network order; an IPv4 address uses the first four bytes, and the others are 0 */
	uint8_t bytes[16];
};
#define PEER_TEXT_BYTES 48 /* INET6_ADDRSTRLEN is 46 */

/* An IPv4 address that is mapped into IPv6 (::ffff:192.0.2.1) becomes IPv4. NULL: unknown. */
struct peer_address peer_of_socket(const struct sockaddr *address);
/* Reads one element of X-Forwarded-For: an address, perhaps in brackets or with a port. False: no address. */
bool peer_parse(struct str text, struct peer_address *ret);
/* "unknown" for an unknown address. */
void peer_text(const struct peer_address *address, char out[PEER_TEXT_BYTES]);
/* Is the address within the configured trusted_proxies? */
bool peer_trusted(const struct config *config, const struct peer_address *address);
/* The sender behind `peer`: `peer` itself unless it is a trusted proxy. Behind a trusted proxy: the last
 * address in `forwarded_for` (the header, or NULL) that is no trusted proxy. */
struct peer_address peer_behind_proxy(const struct config *config, const struct peer_address *peer,
									  const char *forwarded_for);

/* ---- the number of connections of each address ---- */

struct peers;
struct peers *peers_create(void);
void peers_destroy(struct peers *p); /* accepts NULL */
unsigned peers_count(const struct peers *p, const struct peer_address *address);
void peers_add(struct peers *p, const struct peer_address *address);
/* Removes one connection of an address, which peers_add has counted; does nothing if the address has none. */
void peers_remove(struct peers *p, const struct peer_address *address);

#endif
