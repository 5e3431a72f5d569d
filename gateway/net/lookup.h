/* Bounds the look-ups of one target's host name that hang. libcurl resolves a name in a thread. When an
 * exchange gives up before the resolver answers, libcurl leaves that thread behind until the resolver of the
 * system returns; a resolver that hangs must not fill the process with threads.
 *
 * After LOOKUPS_LOST_MAX abandoned look-ups within LOOKUP_LOST_MS, only one look-up may begin every
 * LOOKUP_PROBE_MS, until one is answered. Pure; times are monotonic milliseconds. Thread: the loop's. */
#ifndef ALMONER_GATEWAY_NET_LOOKUP_H
#define ALMONER_GATEWAY_NET_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Abandoned look-ups of one target's name; each leaves a thread behind. Chosen; no measurement. */
#define LOOKUPS_LOST_MAX 16
/* Longer than the resolver of the C library needs to give up with three name servers (resolv.conf: 5 s for
 * each server, two attempts, search domains on top). */
#define LOOKUP_LOST_MS 120000
/* Chosen; no measurement: the delay until a target is reached again once the resolver has recovered. */
#define LOOKUP_PROBE_MS 5000

/* A zeroed struct is valid: no look-up has begun. */
struct lookups {
	int64_t lost_ms[LOOKUPS_LOST_MAX]; /* a ring: when look-ups were abandoned; 0: unused */
	size_t next;                       /* the oldest entry of the ring */
	int64_t began_ms;                  /* when the last look-up began */
};

/* True: a look-up may begin now, and is counted as begun. False: too many look-ups of this name hang. */
bool lookups_begin(struct lookups *l, int64_t now_ms);
/* The resolver has found the name, or has answered that the name does not exist. */
void lookups_answered(struct lookups *l);
/* An exchange gave up before the resolver answered. */
void lookups_lost(struct lookups *l, int64_t now_ms);

#endif
