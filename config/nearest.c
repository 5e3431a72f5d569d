#include "config/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define NEAREST_LENGTH_MAX 64 /* more bytes than any name of an option has */

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

size_t nearest_distance(const char *a, const char *b)
{
	/* Three rows of the matrix are enough, because a swap uses the row two steps back. */
	size_t rows[3][NEAREST_LENGTH_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *now = rows[2];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > NEAREST_LENGTH_MAX || b_len > NEAREST_LENGTH_MAX)
		return a_len > b_len ? a_len : b_len;
	for (size_t j = 0; j <= b_len; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = smallest(above[j] + 1, now[j - 1] + 1, above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = smallest(now[j], before[j - 2] + 1, now[j]);
		}
		before = above;
		above = now;
		now = spare;
	}
	return above[b_len];
}

/* True for "give_up" and "give_up_after": the first words of the candidate, complete. */
static bool begins(const char *wanted, const char *candidate)
{
	size_t length = strlen(wanted);

	return length >= 3 && strncmp(wanted, candidate, length) == 0 && candidate[length] == '_';
}

/* Accepts one typing error in a short name, and one more for every three letters of a longer one. */
void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t length = strlen(n->wanted);
	size_t allowed = length < 4 ? 1 : length / 3 + (length % 3 != 0);
	size_t distance = begins(n->wanted, candidate) ? allowed : nearest_distance(n->wanted, candidate);

	if (distance > allowed || distance >= strlen(candidate))
		return;
	if (n->best == NULL || distance < n->distance) {
		n->best = candidate;
		n->distance = distance;
	}
}
