/* Contract: finding sagas. */
#include "tests/unit/store/contract_internal.h"

#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/store/cmocka_all.h"

static const struct saga_filter everything = { .state = -1, .outcome = -1, .reason = -1 };

/* All ids that match, newest first, in pages of `page`. */
static size_t list(struct store_fixture *f, const struct saga_filter *filter, size_t page, int64_t *ids,
				   size_t capacity)
{
	struct store_reader r = fixture_reader(f);
	struct saga *sagas[64];
	int64_t before = INT64_MAX;
	size_t count = 0;
	assert_true(page <= 64);
	while (before != 0) {
		size_t got = 0;
		must(r.saga_list(r.ctx, filter, before, 100, sagas, page, &got, &before, &f->err), &f->err);
		for (size_t i = 0; i < got; i++) {
			assert_true(count < capacity);
			ids[count++] = sagas[i]->id;
			saga_destroy(sagas[i]);
		}
	}
	r.close(r.ctx);
	return count;
}

#define assert_lists(f, filter, ...)                                                                         \
	do {                                                                                                     \
		const int64_t want[] = { __VA_ARGS__ };                                                              \
		int64_t have[64];                                                                                    \
		for (size_t page = 1; page < 5; page += 3) {                                                         \
			size_t n = list((f), (filter), page, have, 64);                                                  \
			assert_int_equal(n, sizeof want / sizeof *want);                                                 \
			assert_memory_equal(have, want, sizeof want);                                                    \
		}                                                                                                    \
	} while (0)

static void assert_lists_none(struct store_fixture *f, const struct saga_filter *filter)
{
	int64_t have[1];
	assert_int_equal(list(f, filter, 1, have, 1), 0);
}

/* Eight sagas, one of each kind that a filter distinguishes. */
static void fill(struct store_fixture *f)
{
	const char *both[] = { "crm", "books" };
	const char *one[] = { "crm" };
	struct plan *two = plan_of(both, 2);
	struct plan *crm = plan_of(one, 1);
	struct sample_saga s[] = {
		{ .plan = two, .source = "stripe", .event_id = "e1", .donor = "Anna@Example.org", .created_ms = T0 },
		{ .plan = two, .source = "stripe", .event_id = "e2", .donor = "d-7", .created_ms = T0 + 10 },
		{ .plan = two,
		  .source = "forms",
		  .event_id = "e1",
		  .donor = "anna@example.org",
		  .created_ms = T0 + 20 },
		{ .plan = crm, .source = "forms", .event_id = "e4", .created_ms = T0 + 30 },
		{ .source = "forms", .event_id = "e5", .own_reason = REASON_QUARANTINED, .created_ms = T0 + 40 },
		{ .source = "forms", .event_id = "e6", .unrouted = true, .created_ms = T0 + 50 },
		{ .plan = crm, .source = "stripe", .event_id = "e7", .created_ms = T0 + 60 },
		{ .plan = crm, .source = "stripe", .event_id = "e8", .paused = true, .created_ms = T0 + 70 },
	};
	s[1].steps[1] = step_attention(REASON_REJECTED, OUTCOME_REJECTED); /* books */
	s[2].steps[0] = step_attention(REASON_IN_DOUBT, OUTCOME_UNKNOWN);  /* crm … */
	s[2].steps[1] = step_running();                                    /* … and live */
	s[3].steps[0] = step_on_disk(WHY_DUE, T0 + 99);
	s[6].steps[0] = step_running();
	s[7].steps[0] = step_on_disk(WHY_SLOT, T0 + 99);
	for (size_t i = 0; i < sizeof s / sizeof *s; i++)
		fixture_put(&f->l, &s[i]);
	plan_unref(two);
	plan_unref(crm);
}

static void no_filter_lists_all_newest_first(void **state)
{
	struct store_fixture *f = *state;
	assert_lists_none(f, &everything);
	fill(f);
	assert_lists(f, &everything, 8, 7, 6, 5, 4, 3, 2, 1);
}

static void each_state_is_found(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct saga_filter filter = everything;
	filter.state = SAGA_RUNNING;
	assert_lists(f, &filter, 7, 4);
	filter.state = SAGA_PAUSED;
	assert_lists(f, &filter, 8);
	filter.state = SAGA_ATTENTION; /* one of the two has a running step */
	assert_lists(f, &filter, 5, 3, 2);
	filter.state = SAGA_COMPLETED;
	assert_lists(f, &filter, 1);
	filter.state = SAGA_UNROUTED;
	assert_lists(f, &filter, 6);
	filter.state = SAGA_CANCELLED;
	assert_lists_none(f, &filter);
}

/* Sagas 1 to 12: live and left out of the index, live in the index, waiting in the index, at rest. */
static void running_sagas_outside_of_the_index_are_listed(void **state)
{
	struct store_fixture *f = *state;
	const char *one[] = { "crm" };
	struct plan *crm = plan_of(one, 1);
	for (int i = 0; i < 12; i++) {
		struct sample_saga s = { .plan = crm };
		s.steps[0] = i % 4 < 2 ? step_running() : i % 4 == 2 ? step_on_disk(WHY_SLOT, T0) : step_done();
		s.left_out = i % 4 == 0;
		if (i == 11)
			fixture_mark(&f->l, 1, 9);
		fixture_put(&f->l, &s);
	}
	struct saga_filter filter = everything;
	filter.state = SAGA_RUNNING;
	assert_lists(f, &filter, 11, 10, 9, 7, 6, 5, 3, 2, 1);
	filter.state = SAGA_COMPLETED;
	assert_lists(f, &filter, 12, 8, 4);
	plan_unref(crm);
}

static void age_is_a_half_open_range(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct saga_filter filter = everything;
	filter.older_ms = T0 + 20;
	assert_lists(f, &filter, 2, 1);
	filter = everything;
	filter.newer_ms = T0 + 60;
	assert_lists(f, &filter, 8, 7);
	filter.newer_ms = T0 + 20;
	filter.older_ms = T0 + 30;
	assert_lists(f, &filter, 3);
}

static void target_outcome_and_reason_speak_of_one_step(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct saga_filter filter = everything;
	filter.target = "books";
	assert_lists(f, &filter, 3, 2, 1);
	filter.outcome = OUTCOME_REJECTED;
	assert_lists(f, &filter, 2);
	filter.target = "crm";
	assert_lists_none(f, &filter); /* the target that rejected is books */
	filter.target = NULL;
	assert_lists(f, &filter, 2);
	filter = everything;
	filter.target = "nobody";
	assert_lists_none(f, &filter);
	filter = everything;
	filter.outcome = OUTCOME_UNREACHABLE;
	assert_lists(f, &filter, 4);
}

/* The first value of each table is a value like the others; -1 alone means any. */
static void zero_is_no_wildcard(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct saga_filter filter = everything;
	filter.outcome = OUTCOME_NONE; /* no attempt yet, or the first is under way */
	assert_lists(f, &filter, 8, 7, 3);
	filter = everything;
	filter.reason = REASON_NONE;
	assert_lists(f, &filter, 8, 7, 6, 4, 3, 2, 1);
}

static void reason_is_of_a_step_or_of_the_saga(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct saga_filter filter = everything;
	filter.reason = REASON_IN_DOUBT;
	assert_lists(f, &filter, 3);
	filter.reason = REASON_QUARANTINED;
	assert_lists(f, &filter, 5);
	filter.reason = REASON_FAULT;
	assert_lists_none(f, &filter);
	filter.reason = REASON_REJECTED;
	filter.target = "crm";
	assert_lists_none(f, &filter);
	filter.target = "books";
	assert_lists(f, &filter, 2);
}

static void names_are_exact_and_mail_addresses_without_case(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct saga_filter filter = everything;
	filter.source = "stripe";
	assert_lists(f, &filter, 8, 7, 2, 1);
	filter.source = "Stripe";
	assert_lists_none(f, &filter);
	filter = everything;
	filter.donor = "ANNA@example.org";
	assert_lists(f, &filter, 3, 1);
	filter.donor = "D-7";
	assert_lists_none(f, &filter);
	filter.donor = "d-7";
	assert_lists(f, &filter, 2);
	filter = everything;
	filter.event_id = "e1";
	assert_lists(f, &filter, 3, 1);
}

static void filters_combine(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct saga_filter filter = { .state = SAGA_ATTENTION,
								  .older_ms = T0 + 21,
								  .newer_ms = T0 + 20,
								  .target = "crm",
								  .outcome = OUTCOME_UNKNOWN,
								  .reason = REASON_IN_DOUBT,
								  .source = "forms",
								  .donor = "anna@EXAMPLE.org",
								  .event_id = "e1" };
	assert_lists(f, &filter, 3);
	struct saga_filter one_off[9];
	for (size_t i = 0; i < 9; i++)
		one_off[i] = filter;
	one_off[0].state = SAGA_RUNNING;
	one_off[1].older_ms = T0 + 20;
	one_off[2].newer_ms = T0 + 21;
	one_off[3].target = "books";
	one_off[4].outcome = OUTCOME_OK;
	one_off[5].reason = REASON_REJECTED;
	one_off[6].source = "stripe";
	one_off[7].donor = "otto@example.org";
	one_off[8].event_id = "e2";
	for (size_t i = 0; i < 9; i++)
		assert_lists_none(f, &one_off[i]);
}

/* Ten thousand sagas that do not match, and a budget of 0 ms: every call still advances, and no match is
 * missed. */
static void a_budget_ends_a_call_not_the_search(void **state)
{
	struct store_fixture *f = *state;
	enum { SAGAS = 10000 };
	struct sample_saga wanted = { .unrouted = true, .source = "rare" };
	struct sample_saga other = { .unrouted = true, .source = "often" };
	fixture_begin(&f->l);
	for (int i = 0; i < SAGAS; i++) {
		char *id AUTO_FREE = mem_printf("e%d", i);
		struct sample_saga s = i % 4000 == 0 ? wanted : other;
		s.event_id = id;
		(void)fixture_add(&f->l, &s);
	}
	fixture_commit(&f->l);
	struct saga_filter filter = everything;
	filter.source = "rare";
	struct store_reader r = fixture_reader(f);
	int64_t before = INT64_MAX;
	int64_t found[4];
	size_t count = 0;
	unsigned calls = 0;
	while (before != 0) {
		struct saga *sagas[10];
		size_t got = 0;
		int64_t next = 0;
		must(r.saga_list(r.ctx, &filter, before, 0, sagas, 10, &got, &next, &f->err), &f->err);
		assert_true(next < before);
		before = next;
		calls++;
		for (size_t i = 0; i < got; i++) {
			assert_true(count < 4);
			found[count++] = sagas[i]->id;
			saga_destroy(sagas[i]);
		}
	}
	r.close(r.ctx);
	assert_true(calls > 10);
	assert_int_equal(count, 3);
	assert_int_equal(found[0], 8001);
	assert_int_equal(found[1], 4001);
	assert_int_equal(found[2], 1);
}

static void events_are_found_by_their_id(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct store_reader r = fixture_reader(f);
	int64_t id = 0;
	must(r.saga_find(r.ctx, "stripe", "e1", &id, &f->err), &f->err);
	assert_int_equal(id, 1);
	must(r.saga_find(r.ctx, "forms", "e1", &id, &f->err), &f->err);
	assert_int_equal(id, 3);
	assert_int_equal(r.saga_find(r.ctx, "forms", "e2", &id, &f->err), ERR_NOT_FOUND);
	r.close(r.ctx);
}

/* The key leads to the event: no other saga is read, so a damaged one does not matter. */
static void each_event_is_found_by_its_key(void **state)
{
	static const char *const names[][2] = { { "stripe", "e1" }, { "stripe", "e2" }, { "forms", "e1" },
											{ "forms", "e4" },  { "forms", "e5" },  { "forms", "e6" },
											{ "stripe", "e7" } };
	struct store_fixture *f = *state;
	fill(f);
	f->factory->harm(f->factory->ctx, DAMAGE_SAGA_VALUE, 8); /* the newest */
	struct store_reader r = fixture_reader(f);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int64_t id = 0;
		must(r.saga_find(r.ctx, names[i][0], names[i][1], &id, &f->err), &f->err);
		assert_int_equal(id, i + 1);
	}
	r.close(r.ctx);
}

/* An event without a key of its id is still found: keys expire, and some presets build keys from other
 * fields. */
static void events_without_a_key_are_found_too(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	size_t deleted = 0;
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.key_prune(f->l.w.ctx, INT64_MAX, 1000, &deleted, &f->err), &f->err);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	assert_int_equal(deleted, 8);
	struct store_reader r = fixture_reader(f);
	int64_t id = 0;
	must(r.saga_find(r.ctx, "forms", "e4", &id, &f->err), &f->err);
	assert_int_equal(id, 4);
	r.close(r.ctx);
	struct saga_filter filter = everything;
	filter.source = "forms";
	filter.event_id = "e4";
	assert_lists(f, &filter, 4);
}

static void a_related_event_leads_to_its_saga(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct sample_saga s = { .source = "stripe", .event_id = "charge_1" };
	uint8_t key[STORE_KEY_BYTES] = { 0 };
	struct related_row row = { .id = 1, .saga = 2, .names = key, .name_count = 1, .event = sample_event(&s) };
	int64_t owner = 0;
	store_event_key("stripe", "charge_1", key);
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.key_claim(f->l.w.ctx, key, -1, 1, &owner, &f->err), &f->err);
	must(f->l.w.related_insert(f->l.w.ctx, &row, &f->err), &f->err);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	event_unref(row.event);
	struct store_reader r = fixture_reader(f);
	int64_t id = 0;
	must(r.saga_find(r.ctx, "stripe", "charge_1", &id, &f->err), &f->err);
	assert_int_equal(id, 2);
	r.close(r.ctx);
}

const struct contract_test contract_list_tests[] = {
	CONTRACT_TEST(no_filter_lists_all_newest_first),
	CONTRACT_TEST(each_state_is_found),
	CONTRACT_TEST(running_sagas_outside_of_the_index_are_listed),
	CONTRACT_TEST(age_is_a_half_open_range),
	CONTRACT_TEST(target_outcome_and_reason_speak_of_one_step),
	CONTRACT_TEST(zero_is_no_wildcard),
	CONTRACT_TEST(reason_is_of_a_step_or_of_the_saga),
	CONTRACT_TEST(names_are_exact_and_mail_addresses_without_case),
	CONTRACT_TEST(filters_combine),
	CONTRACT_TEST(a_budget_ends_a_call_not_the_search),
	CONTRACT_TEST(events_are_found_by_their_id),
	CONTRACT_TEST(each_event_is_found_by_its_key),
	CONTRACT_TEST(events_without_a_key_are_found_too),
	CONTRACT_TEST(a_related_event_leads_to_its_saga),
	{ NULL, NULL },
};
