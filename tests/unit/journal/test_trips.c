/* How many round trips the journal's batches need when its store is behind a network. The memory store counts
 * them (tests/support/memory_store/memory_store.h). Two for a batch that accepts events: the reservation of its
 * keys brings along what the decisions read, and the commit takes along what they write. One for a batch of
 * outcomes, two if a lane's next saga waits on disk. Neither depends on the size of the batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/journal/journal_fixture.h"

#define ACCEPTING 2
#define SETTLING  1
#define LANES     2 /* the first rows of the freed lanes with their sagas and events, and the commit */
#define DUE       1 /* more when the first waiting row of a target has gone, however many targets */
#define CLAIM     3 /* for each 64 rows: the rows, their sagas and events, and the commit */
#define VERB      2 /* the sagas, and the commit */
#define JOB_SLICE 2 /* the job with its sagas, and the commit */
#define MISSING   3 /* for each 64 events whose gift has not come: their numbers, the events, and the commit */
#define PRUNE     2 /* each 10 s: old keys, old rejected requests; the commit only when there are some */
#define START     14 /* with four targets; at most three of it for a target: its counts, what is due too late */
#define RECOVERY  3 /* for each 64 sagas from the low-water mark on: the sagas, their lanes, and the commit */

static const unsigned sizes[] = { 1, 2, 16, 64 };
#define SIZES (sizeof sizes / sizeof sizes[0])

static char batch_calls[200]; /* of the last batch: the calls that needed a round trip */

/* Runs one batch, then what is left and the audit; returns the round trips of the batch. */
static unsigned batch_trips(struct journal_fixture *r)
{
	memory_store_reset_trips(r->memory);
	assert_true(journal_pump(r->j) > 0);
	unsigned trips = memory_store_trips(r->memory);
	snprintf(batch_calls, sizeof batch_calls, "%s", memory_store_trip_names(r->memory));
	fixture_pump(r);
	return trips;
}

/* The checker of all tests here: the next batch needs at most `bound` round trips. */
static bool batch_fits(struct journal_fixture *r, unsigned bound)
{
	unsigned trips = batch_trips(r);
	if (trips > bound)
		print_message("%u round trips, not %u: %s\n", trips, bound, batch_calls);
	return trips <= bound;
}

/* The plan has its number, and the idle tasks of the start are done. */
static struct journal_fixture *warm_fixture(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_accept_id(r, "the first event of its route");
	fixture_pump(r);
	fixture_drop_works(r);
	return r;
}

/* ---- accepting ---- */

enum accept_case {
	NEW,
	NEW_IN_LANE, /* its lane has rows on disk */
	NEW_GIFT,
	SAME,        /* a repeat of an event whose saga is at rest */
	DIFFERENT,   /* … with another body */
	SECOND_GIFT, /* another event of a gift that has its saga */
	RELATED,
	RELATED_WAITING, /* its gift has not come */
	RELATED_REPEAT,  /* … with another body */
	GIFT_OF_WAITING, /* the gift for which an event waits */
	QUARANTINED,
	UNROUTED,
	CASE_COUNT
};

/* The events `old` are sagas at rest with the gifts `g`, the events `wait` wait for the gifts `h`. */
static const struct {
	const char *name, *id, *gift;
	struct fixture_event ev;
} cases[CASE_COUNT] = {
	[NEW] = { "new", "new", NULL, { 0 } },
	[NEW_IN_LANE] = { "new, in a lane", "new", NULL, { .lane = "ada" } },
	[NEW_GIFT] = { "new, with a gift", "new", "new", { 0 } },
	[SAME] = { "a repeat", "old", "g", { .unrouted = true } },
	[DIFFERENT] = { "a repeat that differs", "old", "g", { .unrouted = true, .body = "another" } },
	[SECOND_GIFT] = { "a second event of a gift", "new", "g", { 0 } },
	[RELATED] = { "related", "new", "g", { .related = true } },
	[RELATED_WAITING] = { "related, waiting", "new", "x", { .related = true } },
	[RELATED_REPEAT] = { "a repeat, waiting", "wait", "h", { .related = true, .body = "another" } },
	[GIFT_OF_WAITING] = { "the gift of a waiting one", "new", "h", { 0 } },
	[QUARANTINED] = { "quarantined", "new", NULL, { .quarantined = true } },
	[UNROUTED] = { "unrouted", "new", NULL, { .unrouted = true } },
};

static void submit(struct journal_fixture *r, const char *id, const char *gift, struct fixture_event ev,
				   unsigned run, unsigned i)
{
	char *id_text AUTO_FREE = mem_printf("%s-%u-%u", id, run, i);
	char *gift_text AUTO_FREE = gift != NULL ? mem_printf("%s-%u-%u", gift, run, i) : NULL;
	ev.id = id_text;
	ev.gift = gift_text;
	assert_int_equal(fixture_submit(r, &ev), 0);
}

static void submit_cases(struct journal_fixture *r, enum accept_case first, enum accept_case last,
						 unsigned run, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		submit(r, "old", "g", (struct fixture_event){ .unrouted = true }, run, i);
		submit(r, "wait", "h", (struct fixture_event){ .related = true }, run, i);
	}
	fixture_pump(r);
	for (unsigned i = 0; i < count; i++) {
		unsigned kind = first + i % (last - first + 1);
		submit(r, cases[kind].id, cases[kind].gift, cases[kind].ev, run, i);
	}
}

static void an_accepting_batch_needs_two(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	r->admission[CRM] = ADMISSION_DISK;
	for (int i = 0; i < 3; i++)
		fixture_accept(r, &(struct fixture_event){ .id = (char[]){ (char)('a' + i), 0 }, .lane = "ada" });
	r->admission[CRM] = ADMISSION_SLOT;
	for (unsigned run = 0; run < CASE_COUNT * SIZES; run++) {
		enum accept_case kind = (enum accept_case)(run / SIZES);
		submit_cases(r, kind, kind, run, sizes[run % SIZES]);
		if (!batch_fits(r, ACCEPTING))
			fail_msg("%u events: %s", sizes[run % SIZES], cases[kind].name);
		fixture_drop_works(r);
	}
	submit_cases(r, NEW, UNROUTED, 1000, 64);
	assert_true(batch_fits(r, ACCEPTING)); /* mixed */
}

/* The journal asks for the number of a plan once: the first event after a change of the configuration. */
static void a_new_plan_needs_one_more(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	for (int i = 0; i < 2; i++) {
		fixture_use_plan(r, "mail crm", POLICY_CONTINUE);
		submit(r, "new", NULL, (struct fixture_event){ 0 }, (unsigned)i, 0);
		assert_true(batch_fits(r, ACCEPTING + (i == 0 ? 1 : 0)));
	}
}

/* ---- settling ---- */

static void accept_many(struct journal_fixture *r, unsigned run, unsigned count, bool lanes)
{
	for (unsigned i = 0; i < count; i++) {
		char lane[16];
		snprintf(lane, sizeof lane, "%u.%u", run, i / 2); /* two sagas in each lane */
		submit(r, "e", NULL, (struct fixture_event){ .lane = lanes ? lane : NULL }, run, i);
	}
	fixture_pump(r);
}

/* Queues an outcome for every attempt under way; returns their number. */
static unsigned report_all(struct journal_fixture *r, enum outcome_class result)
{
	unsigned count = 0;
	struct work_list works = STAILQ_HEAD_INITIALIZER(works);
	STAILQ_CONCAT(&works, &r->works);
	struct work *w;
	while ((w = STAILQ_FIRST(&works)) != NULL) {
		STAILQ_REMOVE_HEAD(&works, link);
		assert_int_equal(w->kind, WORK_START);
		struct outcome o = { .result = result, .effect_sent = result != OUTCOME_UNREACHABLE, .detail = "d" };
		journal_outcome(r->j, w, &o, NULL);
		count++;
	}
	return count;
}

static void a_batch_of_outcomes_needs_one(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	static const enum outcome_class results[] = { OUTCOME_OK, OUTCOME_UNREACHABLE, OUTCOME_REJECTED,
												  OUTCOME_BUSY, OUTCOME_UNKNOWN };
	fixture_use_plan(r, "crm books", POLICY_CONTINUE);
	accept_many(r, 0, 1, false);
	assert_true(report_all(r, OUTCOME_OK) > 0);
	for (unsigned run = 0; run < 5 * SIZES; run++) {
		fixture_pump(r);
		accept_many(r, run + 1, sizes[run % SIZES], false);
		assert_int_equal(report_all(r, results[run / SIZES]), 2 * sizes[run % SIZES]);
		assert_true(batch_fits(r, SETTLING));
	}
}

/* Half of the sagas wait on disk for their lane. */
static void outcomes_that_free_lanes_need_two(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	fixture_use_plan(r, "crm books", POLICY_CONTINUE);
	for (unsigned run = 0; run < SIZES; run++) {
		accept_many(r, run, sizes[run], true);
		unsigned first = report_all(r, OUTCOME_OK);
		assert_true(batch_fits(r, LANES));
		unsigned second = report_all(r, OUTCOME_OK);
		assert_int_equal(first + second, 2 * sizes[run]);
		assert_true(second == 0 || batch_fits(r, SETTLING));
		fixture_pump(r);
	}
}

/* ---- claims, verbs, jobs, the start ---- */

/* Twice: of sagas in memory, and of sagas that only the store has. */
static void a_claim_needs_three(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	for (unsigned run = 0; run < SIZES; run++) {
		r->admission[CRM] = ADMISSION_DISK;
		accept_many(r, run, sizes[run], run % 2 == 0);
		r->admission[CRM] = ADMISSION_SLOT;
		if (sizes[run] > 1) { /* some rows are left, and the engine hears when the first of them is due */
			journal_claim(r->j, CRM, sizes[run] / 2);
			assert_true(batch_fits(r, CLAIM + DUE));
		}
		journal_claim(r->j, CRM, sizes[run]);
		assert_true(batch_fits(r, CLAIM));
		assert_true(report_all(r, OUTCOME_OK) > 0);
		fixture_pump(r);
		report_all(r, OUTCOME_OK); /* of lanes that became free */
		fixture_pump(r);
	}
}

static void ignore_verb(void *ctx, const struct verb_result *result)
{
	(void)ctx, (void)result;
}

static void ignore_job(void *ctx, const struct job_result *result)
{
	(void)ctx, (void)result;
}

static void verbs_and_job_slices_need_two(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	r->admission[CRM] = r->admission[BOOKS] = r->admission[THANKS] = ADMISSION_DISK;
	accept_many(r, 0, 16, false);
	struct verb_call pause = { .verb = VERB_PAUSE, .step = -1, .actor = "", .note = "" };
	for (int64_t saga = 2; saga < 12; saga++)
		assert_int_equal(journal_verb(r->j, saga, &pause, NULL, ignore_verb), 0);
	assert_true(batch_fits(r, VERB + DUE));
	const struct job draft = { .verb = VERB_RESUME,
							   .filter = (char[]){ "" },
							   .actor = (char[]){ "" },
							   .note = (char[]){ "" },
							   .held = (char[]){ "" },
							   .error = (char[]){ "" } };
	assert_int_equal(journal_job_create(r->j, &draft, NULL, ignore_job), 0);
	fixture_pump(r);
	struct job_slice slice = { .job = 1, .count = 16, .position = 1 };
	for (int i = 0; i < 16; i++)
		slice.ids[i] = 16 - i;
	assert_int_equal(journal_job_slice(r->j, &slice, NULL, ignore_job), 0);
	assert_true(batch_fits(r, JOB_SLICE + DUE));
}

/* A crash with `count` sagas under way, half of them live: the round trips of the start that recovers them. */
static unsigned recovery_trips(struct journal_fixture *r, unsigned run, unsigned count)
{
	accept_many(r, run, count, true);
	fixture_close(r);
	memory_store_reset_trips(r->memory);
	fixture_open(r);
	unsigned trips = memory_store_trips(r->memory);
	r->news[CRM] = (struct target_news){ 0 };
	fixture_pump(r);
	return trips;
}

static void a_start_needs_three_for_each_64_sagas(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	for (unsigned run = 0; run <= 3; run++)
		assert_true(recovery_trips(r, run, run * 128) <= START + run * 2 * RECOVERY);
}

/* Related events whose gift has not come become sagas in attention, 64 in a commit. */
static void gifts_that_do_not_come_need_three_for_each_64(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	unsigned gone = 0;
	for (unsigned run = 0; run < SIZES; run++) {
		fixture_accept(r, &(struct fixture_event){ .id = "unrouted", .unrouted = true }); /* the empty plan */
		for (unsigned i = 0; i < sizes[run]; i++)
			submit(r, "wait", "h", (struct fixture_event){ .related = true }, run, i);
		fixture_pump(r);
		r->now_ms += 3600000;
		memory_store_reset_trips(r->memory);
		assert_int_equal(journal_pump(r->j), 0); /* no operation: tasks between batches */
		assert_true(memory_store_trips(r->memory) <= MISSING + PRUNE);
		fixture_pump(r);
		struct journal_counts c = fixture_counts(r);
		assert_int_equal(c.sagas[SAGA_ATTENTION], gone += sizes[run]);
	}
}

/* ---- the checker ---- */

static int (*real_begin)(void *ctx, struct err *err);
static int (*real_saga_get)(void *ctx, int64_t id, struct saga_row *ret, struct err *err);

static int begin_and_read(void *ctx, struct err *err)
{
	struct saga_row row;
	int rc = real_begin(ctx, err);
	return rc != 0 ? rc : real_saga_get(ctx, 1, &row, err);
}

static void plant_read(struct store_writer *store)
{
	real_begin = store->begin;
	real_saga_get = store->saga_get;
	store->begin = begin_and_read;
}

/* One read more than necessary in each batch fails the tests above. */
static void a_planted_read_is_found(void **state)
{
	struct journal_fixture *r = warm_fixture(state);
	r->wrap = plant_read;
	fixture_crash(r);
	fixture_pump(r);
	fixture_accept_id(r, "the plan is known to the new connection");
	submit_cases(r, NEW, UNROUTED, 0, 16);
	assert_false(batch_fits(r, ACCEPTING));
	fixture_drop_works(r);
	accept_many(r, 1, 16, false);
	assert_true(report_all(r, OUTCOME_OK) > 0);
	assert_int_equal(batch_trips(r), SETTLING + 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup_memory, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(an_accepting_batch_needs_two),
		CASE(a_new_plan_needs_one_more),
		CASE(a_batch_of_outcomes_needs_one),
		CASE(outcomes_that_free_lanes_need_two),
		CASE(a_claim_needs_three),
		CASE(verbs_and_job_slices_need_two),
		CASE(a_start_needs_three_for_each_64_sagas),
		CASE(gifts_that_do_not_come_need_three_for_each_64),
		CASE(a_planted_read_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
