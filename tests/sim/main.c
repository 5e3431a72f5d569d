/* The command line: which seeds to run.
 *
 *     sim                  the suite: seeds 1..200; every coverage point must be hit
 *     sim --seed N         one seed, with its trace
 *     sim --seeds A..B     other seeds; the coverage points are printed, not demanded */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define SUITE_FIRST 1
#define SUITE_LAST  200
#define TWICE_EVERY 50 /* each 50th seed runs twice and must behave in the same way */

static int run_range(uint64_t first, uint64_t last, struct coverage *coverage)
{
	for (uint64_t seed = first; seed <= last; seed++) {
		uint64_t hash = 0, again = 0;
		struct coverage ignored = { 0 };
		(void)sim_run(seed, false, coverage, &hash);
		if (seed % TWICE_EVERY != 0)
			continue;
		(void)sim_run(seed, false, &ignored, &again);
		if (hash != again) {
			fprintf(stderr, "seed %" PRIu64 " behaved differently in its second run\n", seed);
			return 1;
		}
	}
	return 0;
}

static int run_one(const char *text)
{
	struct coverage coverage = { 0 };
	uint64_t hash = 0;
	(void)sim_run(strtoull(text, NULL, 10), true, &coverage, &hash);
	printf("hash %016" PRIx64 "\n", hash);
	return 0;
}

static int run_many(const char *text)
{
	struct coverage coverage = { 0 };
	const char *dots = strstr(text, "..");
	if (dots == NULL)
		return 2;
	int failed = run_range(strtoull(text, NULL, 10), strtoull(dots + 2, NULL, 10), &coverage);
	coverage_points_print(&coverage);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--seed") == 0)
		return run_one(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
		return run_many(argv[2]);
	if (argc != 1) {
		fprintf(stderr, "usage: sim [--seed N | --seeds A..B]\n");
		return 2;
	}
	struct coverage coverage = { 0 };
	if (run_range(SUITE_FIRST, SUITE_LAST, &coverage) != 0)
		return 1;
	unsigned missing = coverage_points_missing(&coverage);
	printf("%d seeds, %d coverage points, %u missing\n", SUITE_LAST - SUITE_FIRST + 1, COVERAGE_POINT_COUNT,
		   missing);
	return missing > 0 ? 1 : 0;
}
