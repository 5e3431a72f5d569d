/* Who is at the door: addresses, whether a proxy may be believed, and how many connections each address has.
 * Not locked: the server's lock guards it. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_PEERS_H
#define ALMONER_GATEWAY_INTAKE_SERVER_PEERS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "config/config.h"

struct peer_address {
	int family; /* AF_INET, AF_INET6, or 0: unknown */
	uint8_t bytes[16];
};
#define PEER_TEXT_BYTES 48

/* An IPv4 address in IPv6 dress becomes IPv4. */
struct peer_address peer_of_socket(const struct sockaddr *address);
/* One element of X-Forwarded-For: an address, perhaps in brackets or with a port. */
bool peer_parse(struct str text, struct peer_address *ret);
void peer_text(const struct peer_address *address, char out[PEER_TEXT_BYTES]);
bool peer_trusted(const struct config *config, const struct peer_address *address);
/* The sender behind `peer`: itself unless it is a trusted proxy, else the last address of `forwarded_for` (or
 * NULL) that is none. */
struct peer_address peer_behind_proxy(const struct config *config, const struct peer_address *peer,
									  const char *forwarded_for);

/* Counts per address. */
struct peers;
struct peers *peers_create(void);
void peers_destroy(struct peers *p);
unsigned peers_count(const struct peers *p, const struct peer_address *address);
void peers_add(struct peers *p, const struct peer_address *address);
void peers_remove(struct peers *p, const struct peer_address *address);

#endif
