#include "gateway/net/lookup.h"

/* The ring is full when its oldest entry is recent: then LOOKUPS_LOST_MAX look-ups were abandoned since. */
bool lookups_begin(struct lookups *l, int64_t now_ms)
{
	int64_t oldest_ms = l->lost_ms[l->next];
	bool full = oldest_ms != 0 && now_ms - oldest_ms < LOOKUP_LOST_MS;
	if (full && now_ms - l->began_ms < LOOKUP_PROBE_MS)
		return false;
	l->began_ms = now_ms;
	return true;
}

void lookups_answered(struct lookups *l)
{
	*l = (struct lookups){ .began_ms = l->began_ms };
}

void lookups_lost(struct lookups *l, int64_t now_ms)
{
	l->lost_ms[l->next] = now_ms;
	l->next = (l->next + 1) % LOOKUPS_LOST_MAX;
}
