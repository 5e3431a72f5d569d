/* The name somebody probably meant. */
#ifndef ALMONER_CONFIG_NEAREST_H
#define ALMONER_CONFIG_NEAREST_H

#include <stddef.h>

/* Damerau-Levenshtein distance without regard to ASCII case: insertions, deletions, exchanges, and swaps of
 * neighbours (the "optimal string alignment" form). Texts beyond 64 bytes count as entirely different. */
size_t nearest_distance(const char *a, const char *b);

/* Collects the best candidate; start with { .wanted = … }. `best` stays NULL while nothing is close enough.
 */
struct nearest {
	const char *wanted;
	const char *best;
	size_t distance;
};

void nearest_offer(struct nearest *n, const char *candidate);

#endif
