/* What a batch announces to its store: the keys of all accepts in one call, and what its operations will
 * read. The store here is SQLite with a look at each call: a read that was not announced would be a question
 * of its own to a store behind a network. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

#define NOTES_MAX 256

enum note_kind { NOTE_SAGA, NOTE_EVENT, NOTE_RELATED };

struct note {
	enum note_kind kind;
	int64_t id;
};

/* What the open transaction was told, and what it read beyond that. */
static struct observed {
	struct store_writer real;
	bool open;
	struct note notes[NOTES_MAX];
	unsigned note_count;
	struct expected_lane lanes[NOTES_MAX];
	unsigned lane_count;
	struct key_reservation keys[NOTES_MAX]; /* of the last transaction that reserved some */
	unsigned key_count;
	bool reserved;         /* by the open transaction */
	unsigned reservations; /* calls of keys_reserve since the test reset it */
	unsigned expectations; /* calls of expect */
	unsigned surprises;
	char surprise[128]; /* the first one */
	int64_t stride;     /* 0: as SQLite says */
	bool skip;
} observed;

static void surprise(const char *call, int64_t id)
{
	if (observed.surprises++ == 0)
		snprintf(observed.surprise, sizeof observed.surprise, "%s %lld", call, (long long)id);
}

/* A macro, so that a failure names the line of the test. */
#define assert_no_surprise()                                                                                 \
	do {                                                                                                     \
		if (observed.surprises > 0)                                                                          \
			fail_msg("%u reads were not announced, the first: %s", observed.surprises, observed.surprise);   \
	} while (0)

static void note(enum note_kind kind, int64_t id)
{
	assert_true(observed.note_count < NOTES_MAX);
	observed.notes[observed.note_count++] = (struct note){ kind, id };
}

static bool noted(enum note_kind kind, int64_t id)
{
	for (unsigned i = 0; i < observed.note_count; i++) {
		if (observed.notes[i].kind == kind && observed.notes[i].id == id)
			return true;
	}
	return !observed.open; /* the audit reads outside transactions */
}

static bool key_noted(const uint8_t key[STORE_KEY_BYTES])
{
	for (unsigned i = 0; observed.reserved && i < observed.key_count; i++) {
		if (memcmp(observed.keys[i].key, key, STORE_KEY_BYTES) == 0)
			return true;
	}
	return false;
}

static int observed_begin(void *ctx, struct err *err)
{
	observed.open = true;
	observed.note_count = observed.lane_count = 0;
	observed.reserved = false;
	return observed.real.begin(ctx, err);
}

static int observed_commit(void *ctx, struct err *err)
{
	observed.open = false;
	return observed.real.commit(ctx, err);
}

static int observed_rollback(void *ctx, struct err *err)
{
	observed.open = false;
	return observed.real.rollback(ctx, err);
}

static int observed_head(void *ctx, struct store_head *ret, struct err *err)
{
	int rc = observed.real.head(ctx, ret, err);
	if (rc == 0 && observed.stride > 0)
		ret->stride = observed.stride;
	ret->numbers_skip = observed.skip;
	return rc;
}

static void note_saga(int64_t saga)
{
	note(NOTE_SAGA, saga);
	note(NOTE_EVENT, saga);
}

static int observed_reserve(void *ctx, struct key_reservation *keys, size_t count, struct err *err)
{
	int rc = observed.real.keys_reserve(ctx, keys, count, err);
	assert_true(rc == 0 && !observed.reserved && count <= NOTES_MAX);
	observed.reserved = true;
	observed.reservations++;
	observed.key_count = (unsigned)count;
	memcpy(observed.keys, keys, count * sizeof *keys);
	for (size_t i = 0; i < count; i++) {
		struct related_row row = { 0 };
		if (keys[i].owner > 0)
			note_saga(keys[i].owner);
		if (keys[i].owner >= 0)
			continue;
		note(NOTE_RELATED, -keys[i].owner);
		assert_int_equal(observed.real.related_get(ctx, -keys[i].owner, &row, err), 0);
		note_saga(row.saga);
		event_unref(row.event);
	}
	return rc;
}

static void observed_expect(void *ctx, const struct store_expected *e)
{
	(void)ctx;
	assert_true(observed.open);
	observed.expectations++;
	for (size_t i = 0; i < e->saga_count; i++)
		note(NOTE_SAGA, e->sagas[i]);
	for (size_t i = 0; i < e->event_count; i++)
		note(NOTE_EVENT, e->events[i]);
	for (size_t i = 0; i < e->related_count; i++)
		note(NOTE_RELATED, e->related[i]);
	for (size_t i = 0; i < e->lane_count; i++) {
		assert_true(observed.lane_count < NOTES_MAX);
		observed.lanes[observed.lane_count++] = e->lanes[i];
	}
}

static int observed_claim(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t day,
						  int64_t *ret, struct err *err)
{
	if (!key_noted(key))
		surprise("key_claim", owner);
	return observed.real.key_claim(ctx, key, owner, day, ret, err);
}

static int observed_find(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t *ret, struct err *err)
{
	if (!key_noted(key))
		surprise("key_find", 0);
	return observed.real.key_find(ctx, key, ret, err);
}

static int observed_saga_insert(void *ctx, const struct saga_row *row, struct err *err)
{
	note(NOTE_SAGA, row->id);
	return observed.real.saga_insert(ctx, row, err);
}

static int observed_event_insert(void *ctx, int64_t saga, const struct event *event, struct err *err)
{
	note(NOTE_EVENT, saga);
	return observed.real.event_insert(ctx, saga, event, err);
}

static int observed_related_insert(void *ctx, const struct related_row *row, struct err *err)
{
	note(NOTE_RELATED, row->id);
	return observed.real.related_insert(ctx, row, err);
}

static int observed_saga_get(void *ctx, int64_t id, struct saga_row *ret, struct err *err)
{
	if (!noted(NOTE_SAGA, id))
		surprise("saga_get", id);
	return observed.real.saga_get(ctx, id, ret, err);
}

static int observed_event_get(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	if (!noted(NOTE_EVENT, saga))
		surprise("event_get", saga);
	return observed.real.event_get(ctx, saga, ret, err);
}

static int observed_related_get(void *ctx, int64_t id, struct related_row *ret, struct err *err)
{
	if (!noted(NOTE_RELATED, id))
		surprise("related_get", id);
	return observed.real.related_get(ctx, id, ret, err);
}

static bool lane_noted(uint32_t target, const uint8_t lane[LANE_BYTES])
{
	for (unsigned i = 0; i < observed.lane_count; i++) {
		const struct expected_lane *l = &observed.lanes[i];
		if (l->target == target && memcmp(l->lane, lane, LANE_BYTES) == 0)
			return true;
	}
	return !observed.open;
}

static int observed_lane_first(void *ctx, uint32_t target, const uint8_t lane[LANE_BYTES], int64_t after,
							   struct step_row *ret, struct err *err)
{
	if (!lane_noted(target, lane))
		surprise("row_lane_first at target", target);
	int rc = observed.real.row_lane_first(ctx, target, lane, after, ret, err);
	if (rc == 0 && ret->saga != 0)
		note_saga(ret->saga);
	return rc;
}

static void observe(struct store_writer *store)
{
	observed.real = *store;
	store->begin = observed_begin;
	store->commit = observed_commit;
	store->rollback = observed_rollback;
	store->head = observed_head;
	store->keys_reserve = observed_reserve;
	store->expect = observed_expect;
	store->key_claim = observed_claim;
	store->key_find = observed_find;
	store->saga_insert = observed_saga_insert;
	store->saga_get = observed_saga_get;
	store->event_insert = observed_event_insert;
	store->event_get = observed_event_get;
	store->related_insert = observed_related_insert;
	store->related_get = observed_related_get;
	store->row_lane_first = observed_lane_first;
}

/* The fixture's store with `observe`, opened again. */
static struct journal_fixture *observed_fixture(void **state, int64_t stride, bool skip)
{
	struct journal_fixture *r = fixture_of(state);
	memset(&observed, 0, sizeof observed);
	observed.stride = stride;
	observed.skip = skip;
	r->wrap = observe;
	fixture_crash(r);
	observed.surprises = observed.reservations = observed.expectations = 0;
	return r;
}

/* ---- accepts ---- */

static void submit(struct journal_fixture *r, const char *id, const char *gift, bool related)
{
	struct fixture_event ev = { .id = id, .gift = gift, .related = related };
	assert_int_equal(fixture_submit(r, &ev), 0);
}

static void assert_key(unsigned i, const char *id, const char *gift, int64_t provisional, int64_t owner)
{
	uint8_t key[STORE_KEY_BYTES];
	if (id != NULL)
		journal_event_key("forms", id, key);
	else
		journal_gift_key("forms", gift, key);
	assert_true(i < observed.key_count);
	assert_memory_equal(observed.keys[i].key, key, STORE_KEY_BYTES);
	assert_int_equal(observed.keys[i].provisional, provisional);
	assert_int_equal(observed.keys[i].owner, owner);
}

static void the_keys_of_a_batch_are_reserved_in_one_call(void **state)
{
	struct journal_fixture *r = observed_fixture(state, 0, false);
	submit(r, "a", "g1", false);
	submit(r, "b", NULL, false);
	submit(r, "a", "g1", false); /* a repeat within the batch */
	submit(r, "c", "g1", true);
	submit(r, "d", "g2", true); /* its gift comes next */
	submit(r, "e", "g2", false);
	assert_int_equal(fixture_pump(r), 6);
	assert_int_equal(observed.reservations, 1);
	assert_int_equal(observed.key_count, 11);
	assert_key(0, "a", NULL, 1, 0);
	assert_key(1, NULL, "g1", 1, 0);
	assert_key(2, "b", NULL, 2, 0);
	assert_key(3, "a", NULL, 3, 0);
	assert_key(5, "c", NULL, -1, 0);
	assert_key(6, NULL, "g1", 0, 0);
	assert_key(7, "d", NULL, -2, 0);
	assert_key(9, "e", NULL, 4, 0);
	assert_no_surprise();
	assert_int_equal(r->accepted.saga, 3); /* the repeat left no gap */
	assert_int_equal(fixture_counts(r).accepted, 5);
	assert_int_equal(fixture_records(r, 3, RECORD_RELATED), 1);
	fixture_verify(r);
}

/* Everything that a repeat needs was brought by the reservation of its keys. */
static void repeats_read_only_what_was_announced(void **state)
{
	struct journal_fixture *r = observed_fixture(state, 0, false);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	submit(r, "a", "g1", false);
	submit(r, "c", "g1", true);
	submit(r, "w", "g9", true);
	assert_int_equal(fixture_pump(r), 3);
	fixture_finish(r, 1, CRM, OUTCOME_OK); /* at rest: no longer in memory */
	observed.surprises = 0;
	struct fixture_event differs = { .id = "a", .gift = "g1", .body = "another body" };
	assert_int_equal(fixture_submit(r, &differs), 0);
	submit(r, "b", "g1", false); /* another event of the gift */
	struct fixture_event other = { .id = "c", .gift = "g1", .body = "another body", .related = true };
	assert_int_equal(fixture_submit(r, &other), 0);
	submit(r, "w", "g9", true);
	submit(r, "n", "g1", true);
	assert_int_equal(fixture_pump(r), 5);
	assert_no_surprise();
	assert_int_equal(fixture_counts(r).duplicates, 4);
	assert_int_equal(fixture_records(r, 1, RECORD_DUPLICATE), 3);
	fixture_verify(r);
}

static void while_the_disk_is_low_nothing_is_reserved(void **state)
{
	struct journal_fixture *r = observed_fixture(state, 0, false);
	submit(r, "a", NULL, false);
	r->fake_disk = true;
	r->reserve_bytes = 1000;
	r->free_bytes = 10;
	fixture_drop_works(r);
	fixture_crash(r);
	observed.reservations = 0;
	assert_true(fixture_pump(r) >= 0);
	struct fixture_event ev = { .id = "b" };
	assert_int_equal(fixture_submit(r, &ev), ERR_FULL);
	assert_int_equal(observed.reservations, 0);
}

/* ---- numbers ---- */

static void numbers_that_skip_are_those_reserved(void **state)
{
	struct journal_fixture *r = observed_fixture(state, 10, true);
	submit(r, "a", "g1", false); /* 10 */
	submit(r, "a", "g1", false); /* 20 is not used */
	submit(r, "b", "g1", false); /* 30 neither: the gift has its saga */
	submit(r, "c", "g2", false); /* 40 */
	submit(r, "x", "g2", true);  /* -10 */
	submit(r, "x", "g2", true);  /* -20 is not used */
	submit(r, "y", "g2", true);  /* -30 */
	assert_int_equal(fixture_pump(r), 7);
	assert_key(2, "a", NULL, 20, 0);
	assert_key(6, "c", NULL, 40, 0);
	assert_key(12, "y", NULL, -30, 0);
	assert_int_equal(r->accepted.saga, 40);
	submit(r, "x", "g2", true); /* -40 */
	submit(r, "d", NULL, false);
	assert_int_equal(fixture_pump(r), 2);
	assert_key(0, "x", NULL, -40, -10);
	assert_key(2, "d", NULL, 50, 0);
	assert_int_equal(r->accepted.saga, 50);
	assert_no_surprise();
	assert_int_equal(fixture_counts(r).accepted, 5);
	fixture_crash(r); /* numbers go on behind the highest that is stored */
	assert_int_equal(fixture_accept_id(r, "e"), 60);
	fixture_verify(r);
}

/* A saga that no accept has announced gets the next number: here the one of a gift that never came. */
static void a_saga_without_a_reservation_gets_the_next_number(void **state)
{
	for (int skip = 0; skip < 2; skip++) {
		struct journal_fixture *r = observed_fixture(state, 10, skip == 1);
		int64_t first = fixture_counts(r).accepted;
		submit(r, skip == 0 ? "a" : "b", skip == 0 ? "g1" : "g2", true);
		assert_int_equal(fixture_pump(r), 1);
		fixture_wait(r, 3600000);
		assert_no_surprise(); /* the event was announced */
		assert_int_equal(fixture_counts(r).sagas[SAGA_ATTENTION], skip + 1);
		fixture_assert_saga(r, skip == 0 ? 10 : 20, SAGA_ATTENTION);
		assert_int_equal(first, skip);
	}
}

/* ---- what operations read ---- */

static void on_job(void *ctx, const struct job_result *result)
{
	int64_t *id = ctx;
	assert_int_equal(result->code, 0);
	*id = result->job->id;
}

static void verbs_and_jobs_announce_their_sagas(void **state)
{
	struct journal_fixture *r = observed_fixture(state, 0, false);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	for (int64_t id = 1; id <= 3; id++)
		fixture_finish(r, fixture_accept_id(r, (const char *[]){ "a", "b", "c" }[id - 1]), CRM,
					   OUTCOME_REJECTED);
	struct job *draft = job_new();
	draft->verb = VERB_RESUME;
	int64_t job = 0;
	assert_int_equal(journal_job_create(r->j, draft, &job, on_job), 0);
	job_destroy(draft);
	fixture_pump(r);
	struct job_slice slice = { .job = job, .ids = { 3, 2 }, .count = 2, .position = 2, .finished = false };
	observed.surprises = observed.expectations = 0;
	assert_int_equal(journal_job_slice(r->j, &slice, &job, on_job), 0);
	fixture_pump(r);
	assert_true(fixture_has(r, WORK_START, 3, CRM) && fixture_has(r, WORK_START, 2, CRM));
	assert_int_equal(fixture_verb(r, 1, VERB_RESUME, -1), 0);
	assert_true(fixture_has(r, WORK_START, 1, CRM));
	assert_int_equal(fixture_verb(r, 99, VERB_RESUME, -1), ERR_NOT_FOUND);
	assert_no_surprise();
	assert_int_equal(observed.expectations, 3);
	fixture_finish(r, 1, CRM, OUTCOME_OK); /* in memory: nothing to expect */
	assert_int_equal(observed.expectations, 3);
}

static void claims_announce_their_rows(void **state)
{
	struct journal_fixture *r = observed_fixture(state, 0, false);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	r->admission[CRM] = ADMISSION_DISK;
	for (int64_t id = 1; id <= 4; id++)
		fixture_accept(r, &(struct fixture_event){ .id = (const char *[]){ "a", "b", "c", "d" }[id - 1],
												   .lane = id > 2 ? "ada" : NULL });
	assert_no_surprise(); /* the second event of the lane looked for the first one */
	fixture_claim(r, CRM, 4);
	assert_int_equal(r->news[CRM].claim_granted, 3);
	assert_no_surprise();
	r->admission[CRM] = ADMISSION_SLOT;
	fixture_finish(r, 3, CRM, OUTCOME_OK); /* the lane is free: the first row in it starts */
	assert_true(fixture_has(r, WORK_START, 4, CRM));
	assert_no_surprise();
}

static void the_start_and_idle_tasks_announce_their_sagas(void **state)
{
	struct journal_fixture *r = observed_fixture(state, 0, false);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	for (int64_t id = 1; id <= 3; id++)
		fixture_accept(r, &(struct fixture_event){ .id = (const char *[]){ "a", "b", "c" }[id - 1],
												   .lane = (const char *[]){ "x", "y", "z" }[id - 1] });
	fixture_crash(r); /* three sagas go back to disk */
	assert_no_surprise();
	assert_true(observed.expectations > 0);
	r->targets[0].rules.attention_holds = true;
	observed.expectations = 0;
	fixture_crash(r); /* other rules: each row is scheduled again */
	fixture_pump(r);
	assert_true(observed.expectations > 0);
	assert_no_surprise();
	fixture_wait(r, 60000); /* their retries are due */
	fixture_claim(r, CRM, 3);
	assert_int_equal(r->news[CRM].claim_granted, 3);
	assert_no_surprise();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_keys_of_a_batch_are_reserved_in_one_call),
		TEST(repeats_read_only_what_was_announced),
		TEST(while_the_disk_is_low_nothing_is_reserved),
		TEST(numbers_that_skip_are_those_reserved),
		TEST(a_saga_without_a_reservation_gets_the_next_number),
		TEST(verbs_and_jobs_announce_their_sagas),
		TEST(claims_announce_their_rows),
		TEST(the_start_and_idle_tasks_announce_their_sagas),
	};
	return cmocka_run_group_tests_name("what a batch announces", tests, NULL, NULL);
}
