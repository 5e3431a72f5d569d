#include "gateway/intake/server/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/entropy.h"
#include "saga/base/fnv.h"
#include "saga/base/hash.h"
#include "saga/base/mem.h"

/* ---- addresses ---- */

static struct peer_address from_ipv6(const struct in6_addr *in6)
{
	struct peer_address a = { .family = AF_INET6 };
	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		a.family = AF_INET;
		memcpy(a.bytes, in6->s6_addr + 12, 4);
	} else {
		memcpy(a.bytes, in6->s6_addr, 16);
	}
	return a;
}

/* The structures are copied before they are read, because `address` may not be aligned for them. */
struct peer_address peer_of_socket(const struct sockaddr *address)
{
	struct peer_address a = { 0 };
	if (address != NULL && address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof in);
		a.family = AF_INET;
		memcpy(a.bytes, &in.sin_addr, 4);
	} else if (address != NULL && address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof in6);
		a = from_ipv6(&in6.sin6_addr);
	}
	return a;
}

/* Removes brackets and port: "[2001:db8::1]:4711", "192.0.2.1:4711". A text with several colons and no
 * brackets is an IPv6 address without a port. */
static struct str bare_address(struct str text)
{
	const char *colon = memchr(text.p, ':', text.len);
	if (text.len > 0 && text.p[0] == '[') {
		const char *end = memchr(text.p, ']', text.len);
		return end != NULL ? (struct str){ text.p + 1, (size_t)(end - text.p) - 1 } : (struct str){ "", 0 };
	}
	if (colon != NULL && memrchr(text.p, ':', text.len) == colon)
		return (struct str){ text.p, (size_t)(colon - text.p) };
	return text;
}

/* The text is copied to end it with a NUL; the copy has space for the longest address, and a longer text
 * is no address. */
bool peer_parse(struct str text, struct peer_address *ret)
{
	char copy[INET6_ADDRSTRLEN];
	struct str bare = bare_address(text);
	if (bare.len == 0 || bare.len >= sizeof copy)
		return false;
	memcpy(copy, bare.p, bare.len);
	copy[bare.len] = '\0';
	struct in6_addr in6;
	struct peer_address a = { .family = AF_INET };
	if (inet_pton(AF_INET, copy, a.bytes) != 1) {
		if (inet_pton(AF_INET6, copy, &in6) != 1)
			return false;
		a = from_ipv6(&in6);
	}
	*ret = a;
	return true;
}

void peer_text(const struct peer_address *address, char out[PEER_TEXT_BYTES])
{
	if (address->family == 0 || inet_ntop(address->family, address->bytes, out, PEER_TEXT_BYTES) == NULL)
		snprintf(out, PEER_TEXT_BYTES, "unknown");
}

static bool in_range(const struct config_cidr *range, const struct peer_address *address)
{
	if (range->family != address->family)
		return false;
	size_t whole = range->bits / 8;
	unsigned rest = range->bits % 8u;
	if (memcmp(range->addr, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (range->addr[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool peer_trusted(const struct config *config, const struct peer_address *address)
{
	for (size_t i = 0; i < config->trusted_proxy_count; i++) {
		if (in_range(&config->trusted_proxies[i], address))
			return true;
	}
	return false;
}

static struct str trim_blanks(struct str s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct str){ s.p + 1, s.len - 1 };
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Reads from the right: each proxy appends the address it got the request from, so only the right end is
 * written by the proxy that connected; everything before may be invented by the sender. */
struct peer_address peer_behind_proxy(const struct config *config, const struct peer_address *peer,
									  const char *forwarded_for)
{
	struct peer_address at = *peer;
	struct str rest = str_of(forwarded_for);
	while (rest.len > 0 && peer_trusted(config, &at)) {
		const char *comma = memrchr(rest.p, ',', rest.len);
		size_t from = comma != NULL ? (size_t)(comma - rest.p) + 1 : 0;
		struct peer_address next;
		if (!peer_parse(trim_blanks((struct str){ rest.p + from, rest.len - from }), &next))
			/* a trusted proxy did not write this element, so elements before it cannot be believed either */
			break;
		at = next;
		rest.len = from > 0 ? from - 1 : 0;
	}
	return at;
}

/* ---- counts ---- */

struct peer {
	struct hash_link link;
	struct peer_address address;
	unsigned count;
};

struct peers {
	struct hash_table table;
	/* the random seed of the hash, so that senders cannot choose IPv6 addresses of one bucket */
	uint64_t seed;
};

struct peers *peers_create(void)
{
	struct peers *p = mem_zalloc(sizeof *p);
	entropy_bytes(&p->seed, sizeof p->seed);
	return p;
}

void peers_destroy(struct peers *p)
{
	if (p == NULL)
		return;
	struct hash_cursor cursor = { 0 };
	struct hash_link *link;
	while ((link = hash_walk(&p->table, &cursor)) != NULL)
		free(HASH_ENTRY(link, struct peer, link));
	hash_free(&p->table);
	free(p);
}

static uint64_t hash_of(const struct peers *p, const struct peer_address *address)
{
	return fnv64(fnv64(FNV64_BASIS, &p->seed, sizeof p->seed), address->bytes, sizeof address->bytes);
}

static struct peer *find(const struct peers *p, const struct peer_address *address)
{
	for (struct hash_link *l = hash_first(&p->table, hash_of(p, address)); l != NULL; l = hash_next(l)) {
		struct peer *peer = HASH_ENTRY(l, struct peer, link);
		if (peer->address.family == address->family &&
			memcmp(peer->address.bytes, address->bytes, sizeof address->bytes) == 0)
			return peer;
	}
	return NULL;
}

unsigned peers_count(const struct peers *p, const struct peer_address *address)
{
	const struct peer *peer = find(p, address);
	return peer != NULL ? peer->count : 0;
}

void peers_add(struct peers *p, const struct peer_address *address)
{
	struct peer *peer = find(p, address);
	if (peer == NULL) {
		peer = mem_zalloc(sizeof *peer);
		peer->address = *address;
		hash_insert(&p->table, &peer->link, hash_of(p, address));
	}
	peer->count++;
}

void peers_remove(struct peers *p, const struct peer_address *address)
{
	struct peer *peer = find(p, address);
	if (peer == NULL || --peer->count > 0)
		return;
	hash_remove(&p->table, &peer->link);
	free(peer);
}
