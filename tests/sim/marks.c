#include "tests/sim/marks.h"

#include <inttypes.h>
#include <stdio.h>

#define MARK_TEXT(name, text) text,
static const char *const texts[MARK_COUNT] = { MARK_TABLE(MARK_TEXT) };
#undef MARK_TEXT

void mark(struct marks *m, enum mark which)
{
	m->hits[which]++;
}

unsigned marks_missing(const struct marks *m)
{
	unsigned missing = 0;
	for (unsigned i = 0; i < MARK_COUNT; i++) {
		if (m->hits[i] > 0)
			continue;
		(void)fprintf(stderr, "never happened: %s\n", texts[i]);
		missing++;
	}
	return missing;
}

void marks_print(const struct marks *m)
{
	for (unsigned i = 0; i < MARK_COUNT; i++)
		(void)printf("%10" PRIu64 "  %s\n", m->hits[i], texts[i]);
}
