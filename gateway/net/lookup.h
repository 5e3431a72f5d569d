/* Bounds the look-ups of one target's name that nobody waits for any more: libcurl leaves each in a thread of
 * its own until the system's resolver comes back, and a hanging resolver must not fill the process with them.
 *
 * After LOOKUPS_LOST_MAX of them within LOOKUP_LOST_MS only one look-up every LOOKUP_PROBE_MS may begin, until
 * one is answered. Pure; monotonic milliseconds. */
#ifndef ALMONER_NET_LOOKUP_H
#define ALMONER_NET_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOKUPS_LOST_MAX 16
#define LOOKUP_LOST_MS   120000 /* longer than a resolver with three servers takes to give up by itself */
#define LOOKUP_PROBE_MS  5000

/* All zero: none so far. */
struct lookups {
	int64_t lost_ms[LOOKUPS_LOST_MAX]; /* a ring; 0: none */
	size_t next;
	int64_t began_ms; /* the last one */
};

/* True: it begins. */
bool lookups_begin(struct lookups *l, int64_t now_ms);
/* The name was found, or is known not to be there. */
void lookups_answered(struct lookups *l);
/* Given up before an answer. */
void lookups_lost(struct lookups *l, int64_t now_ms);

#endif
