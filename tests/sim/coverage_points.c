#include "tests/sim/coverage_points.h"

#include <inttypes.h>
#include <stdio.h>

#define COVERAGE_TEXT(name, text) text,
static const char *const texts[COVERAGE_POINT_COUNT] = { COVERAGE_POINTS(COVERAGE_TEXT) };
#undef COVERAGE_TEXT

void coverage_point_hit(struct coverage *m, enum coverage_point which)
{
	m->hits[which]++;
}

unsigned coverage_points_missing(const struct coverage *m)
{
	unsigned missing = 0;
	for (unsigned i = 0; i < COVERAGE_POINT_COUNT; i++) {
		if (m->hits[i] > 0)
			continue;
		fprintf(stderr, "never happened: %s\n", texts[i]);
		missing++;
	}
	return missing;
}

void coverage_points_print(const struct coverage *m)
{
	for (unsigned i = 0; i < COVERAGE_POINT_COUNT; i++)
		printf("%10" PRIu64 "  %s\n", m->hits[i], texts[i]);
}
