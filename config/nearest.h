/* The known name that is closest to an unknown one, for "did you mean". */
#ifndef ALMONER_CONFIG_NEAREST_H
#define ALMONER_CONFIG_NEAREST_H

#include <stddef.h>

/* Damerau-Levenshtein distance, ignoring ASCII case: the number of insertions, deletions, replacements,
 * and swaps of two neighbours ("optimal string alignment"). Texts longer than 64 bytes count as entirely
 * different. */
size_t nearest_distance(const char *a, const char *b);

/* Keeps the closest candidate so far. Initialise with { .wanted = … }. `best` is NULL while no candidate
 * is close enough; else it is the pointer that was offered, and borrowed like it. */
struct nearest {
	const char *wanted;
	const char *best;
	size_t distance;
};

void nearest_offer(struct nearest *n, const char *candidate);

#endif
