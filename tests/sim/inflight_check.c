/* The in-flight file (saga/journal/state/inflight.h) across the ends of processes: it holds the digest of the
 * last request of each attempt that was cut off, and nothing else. */
#include <string.h>
#include <unistd.h>

#include "tests/sim/log_replay.h"

void inflight_check_power_cut(struct simulation *w)
{
	if (unlink(w->inflight_path) == 0)
		coverage_point_hit(w->coverage, COVER_INFLIGHT_LOST);
}

static bool same_attempt(const struct sink_request *a, const struct sink_request *b)
{
	return a->saga == b->saga && a->step == b->step && a->direction == b->direction &&
		   a->generation == b->generation && a->attempt == b->attempt;
}

/* A later request of an attempt takes the place of an earlier one. */
static bool is_last_of_attempt(const struct simulation *w, size_t index)
{
	for (size_t i = index + 1; i < w->sink_request_count; i++) {
		const struct sink_request *later = &w->sink_requests[i];
		if (later->effects && same_attempt(later, &w->sink_requests[index]))
			return false;
	}
	return true;
}

static void check_entry(struct simulation *w, const struct inflight_file *file, size_t index)
{
	const struct sink_request *h = &w->sink_requests[index];
	bool expected = h->cut && !h->lost;
	struct attempt_ref ref = { (uint16_t)h->step, h->direction, h->generation, h->attempt };
	uint8_t digest[INFLIGHT_BODY_BYTES];
	bool found = inflight_find(file, h->saga, ref, digest);
	if (found != expected)
		sim_fail(w, "saga %lld step %u attempt %u: %s", (long long)h->saga, h->step, h->attempt,
				 found ? "its end is in the log, and its request is still in the in-flight file"
					   : "it was cut off, and its request is not in the in-flight file");
	if (!found)
		return;
	coverage_point_hit(w->coverage, COVER_INFLIGHT_FOUND);
	if (is_last_of_attempt(w, index) && memcmp(digest, h->digest, sizeof digest) != 0)
		sim_fail(w, "saga %lld step %u attempt %u: the in-flight file has another request",
				 (long long)h->saga, h->step, h->attempt);
}

void inflight_check(struct simulation *w, const struct inflight_file *file)
{
	for (size_t i = 0; i < w->sink_request_count; i++) {
		if (w->sink_requests[i].effects && w->sink_requests[i].process == w->process)
			check_entry(w, file, i);
	}
}
