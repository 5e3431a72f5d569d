/* Contract: transactions, sagas, events, plans, counters, opening. */
#include "tests/unit/store/contract_internal.h"

#include <string.h>

#include "saga/base/mem.h"
#include "saga/store/index.h"
#include "tests/unit/store/cmocka_all.h"

#define W(f) ((f)->l.w)

static void empty_store_is_empty(void **state)
{
	struct store_fixture *f = *state;
	struct store_head head;
	must(W(f).head(W(f).ctx, &head, &f->err), &f->err);
	assert_int_equal(head.last_saga, 0);
	assert_int_equal(head.last_related, 0);
	assert_int_equal(head.part, 0);
	assert_int_equal(head.stride, 1);
	assert_int_equal(head.chain.commit, 0);
	assert_int_equal(head.chain.last, 0);
	assert_int_equal(head.figures.commit, 0);
	assert_int_equal(head.figures.counters.count, 0);
	store_figures_free(&head.figures);
	struct saga_row row;
	assert_int_equal(W(f).saga_get(W(f).ctx, 1, &row, &f->err), ERR_NOT_FOUND);
	struct event *event = NULL;
	assert_int_equal(W(f).event_get(W(f).ctx, 1, &event, &f->err), ERR_NOT_FOUND);
	struct plan *plan = NULL;
	assert_int_not_equal(W(f).plan_get(W(f).ctx, 77, &plan, &f->err), 0);
}

static void saga_comes_back_as_written(void **state)
{
	struct store_fixture *f = *state;
	const char *targets[] = { "crm", "books" };
	struct sample_saga s = {
		.plan = plan_of(targets, 2), .source = "stripe", .event_id = "e7", .created_ms = T0 + 3
	};
	s.steps[1] = step_running();
	int64_t id = fixture_put(&f->l, &s);
	fixture_reopen(f);
	struct saga_row row;
	must(W(f).saga_get(W(f).ctx, id, &row, &f->err), &f->err);
	assert_int_equal(row.id, id);
	assert_int_equal(row.state, SAGA_RUNNING);
	assert_int_equal(row.index, SAGA_INDEX_LIVE);
	assert_int_equal(row.created_ms, T0 + 3);
	struct plan *plan = NULL;
	must(W(f).plan_get(W(f).ctx, row.plan, &plan, &f->err), &f->err);
	assert_memory_equal(plan->digest, s.plan->digest, 32);
	struct saga *saga = NULL;
	must(saga_decode(id, plan, row.value, &saga, &f->err), &f->err);
	assert_string_equal(saga->event_id, "e7");
	assert_int_equal(saga->steps[1].state, STEP_RUNNING);
	saga_destroy(saga);
	plan_unref(plan);
	plan_unref(s.plan);
}

static void saga_update_changes_all_columns(void **state)
{
	struct store_fixture *f = *state;
	const char *targets[] = { "crm" };
	struct plan *empty = plan_empty();
	struct sample_saga s = { .plan = plan_of(targets, 1) };
	s.steps[0] = step_running();
	int64_t id = fixture_put(&f->l, &s);
	struct sample_saga after = { .unrouted = true };
	fixture_update(&f->l, id, &after);
	struct saga_row row;
	must(W(f).saga_get(W(f).ctx, id, &row, &f->err), &f->err);
	assert_int_equal(row.state, SAGA_UNROUTED);
	assert_int_equal(row.index, SAGA_INDEX_NONE);
	struct plan *plan = NULL;
	must(W(f).plan_get(W(f).ctx, row.plan, &plan, &f->err), &f->err);
	assert_int_equal(plan->step_count, 0);
	plan_unref(plan);
	plan_unref(empty);
	plan_unref(s.plan);
}

static void update_of_an_unknown_saga_is_an_error(void **state)
{
	struct store_fixture *f = *state;
	struct saga_row row = { .id = 99, .plan = 1, .value = STR("x") };
	struct sample_saga s = { .unrouted = true };
	struct event *event = sample_event(&s);
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	assert_int_equal(W(f).saga_update(W(f).ctx, &row, &f->err), ERR_NOT_FOUND);
	assert_non_null(strstr(f->err.text, "99"));
	assert_int_equal(W(f).event_replace(W(f).ctx, 99, event, &f->err), ERR_NOT_FOUND);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
	event_unref(event);
}

static void same_saga_or_log_number_twice_is_refused(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	int64_t id = fixture_put(&f->l, &s);
	struct saga_row row = { .id = id, .plan = 1, .value = STR("x") };
	struct log_row log = { .number = 1, .commit = 2, .subject = SUBJECT_DAEMON, .head = STR("h") };
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	assert_int_equal(W(f).saga_insert(W(f).ctx, &row, &f->err), ERR_INVALID);
	assert_int_equal(W(f).log_append(W(f).ctx, &log, &f->err), ERR_INVALID);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
}

static void rollback_leaves_nothing(void **state)
{
	struct store_fixture *f = *state;
	const char *targets[] = { "crm" };
	struct sample_saga s = { .plan = plan_of(targets, 1) };
	uint8_t key[STORE_KEY_BYTES] = { 7 };
	int64_t owner = 0;
	fixture_begin(&f->l);
	int64_t id = fixture_add(&f->l, &s);
	must(W(f).key_claim(W(f).ctx, key, id, 1, &owner, &f->err), &f->err);
	must(W(f).chain_append(W(f).ctx, &(struct chain_row){ .commit = 1, .counters = STR("\1\3\4") }, &f->err),
		 &f->err);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err); /* without a transaction: success */
	fixture_reopen(f);
	struct store_head head;
	must(W(f).head(W(f).ctx, &head, &f->err), &f->err);
	assert_int_equal(head.last_saga, 0);
	assert_int_equal(head.chain.commit, 0);
	assert_int_equal(head.figures.counters.count, 0);
	store_figures_free(&head.figures);
	must(W(f).key_find(W(f).ctx, key, &owner, &f->err), &f->err);
	assert_int_equal(owner, 0);
	/* The number of a plan that was rolled back must not be remembered. */
	assert_int_equal(fixture_put(&f->l, &s), 1);
	struct saga_row row;
	struct plan *plan = NULL;
	must(W(f).saga_get(W(f).ctx, 1, &row, &f->err), &f->err);
	must(W(f).plan_get(W(f).ctx, row.plan, &plan, &f->err), &f->err);
	plan_unref(plan);
	plan_unref(s.plan);
}

static void plan_number_does_not_survive_its_rollback(void **state)
{
	struct store_fixture *f = *state;
	const char *one[] = { "crm" };
	const char *two[] = { "books" };
	struct plan *a = plan_of(one, 1);
	struct plan *b = plan_of(two, 1);
	int64_t number_a = 0;
	int64_t number_b = 0;
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).plan_put(W(f).ctx, a, &number_a, &f->err), &f->err);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).plan_put(W(f).ctx, b, &number_b, &f->err), &f->err);
	must(W(f).plan_put(W(f).ctx, a, &number_a, &f->err), &f->err);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	assert_int_not_equal(number_a, number_b);
	struct plan *back = NULL;
	must(W(f).plan_get(W(f).ctx, number_a, &back, &f->err), &f->err);
	assert_string_equal(back->steps[0].target, "crm");
	plan_unref(back);
	plan_unref(a);
	plan_unref(b);
}

/* More plans than a cache holds: the same plan always has the same number. */
static void plans_are_kept_once(void **state)
{
	struct store_fixture *f = *state;
	int64_t numbers[40];
	for (int round = 0; round < 2; round++) {
		must(W(f).begin(W(f).ctx, &f->err), &f->err);
		for (int i = 0; i < 40; i++) {
			char *name AUTO_FREE = mem_printf("target%d", i);
			const char *targets[] = { name };
			struct plan *plan = plan_of(targets, 1);
			int64_t number = 0;
			must(W(f).plan_put(W(f).ctx, plan, &number, &f->err), &f->err);
			if (round == 1)
				assert_int_equal(number, numbers[i]);
			numbers[i] = number;
			plan_unref(plan);
		}
		must(W(f).commit(W(f).ctx, &f->err), &f->err);
		fixture_reopen(f);
	}
	for (int i = 39; i >= 0; i--) {
		char *name AUTO_FREE = mem_printf("target%d", i);
		struct plan *plan = NULL;
		must(W(f).plan_get(W(f).ctx, numbers[i], &plan, &f->err), &f->err);
		assert_string_equal(plan->steps[0].target, name);
		plan_unref(plan);
	}
}

static void crash_before_commit_leaves_nothing(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	fixture_begin(&f->l);
	(void)fixture_add(&f->l, &s);
	fixture_reopen(f); /* closes without a commit */
	struct store_head head;
	must(W(f).head(W(f).ctx, &head, &f->err), &f->err);
	assert_int_equal(head.last_saga, 1);
	assert_int_equal(head.chain.commit, 1);
	assert_int_equal(head.chain.last, 1);
	store_figures_free(&head.figures);
	assert_int_equal(fixture_put(&f->l, &s), 2);
}

static void event_comes_back_byte_for_byte(void **state)
{
	struct store_fixture *f = *state;
	struct event_fields fields = { .source = STR("s"), .event_id = STR("e"), .raw = STR("\0\xff\x80raw") };
	struct event *event = event_create(&fields, T0 + 1);
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).event_insert(W(f).ctx, 3, event, &f->err), &f->err);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	fixture_reopen(f);
	struct event *back = NULL;
	must(W(f).event_get(W(f).ctx, 3, &back, &f->err), &f->err);
	assert_true(str_eq(back->f.raw, event->f.raw));
	assert_int_equal(back->f.canonical.len, 0); /* quarantined: no canonical form */
	assert_int_equal(back->received_ms, T0 + 1);
	assert_memory_equal(back->digest, event->digest, 32);
	event_unref(event);

	fields.canonical = STR("{}");
	fields.raw = STR("");
	event = event_create(&fields, T0 + 2);
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).event_replace(W(f).ctx, 3, event, &f->err), &f->err);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	event_unref(back);
	must(W(f).event_get(W(f).ctx, 3, &back, &f->err), &f->err);
	assert_memory_equal(back->digest, event->digest, 32);
	assert_int_equal(back->f.raw.len, 0);
	event_unref(back);
	event_unref(event);
}

static void assert_same_event(const struct event *a, const struct event *b)
{
	const struct str left[] = { a->f.source,       a->f.event_id, a->f.type,      a->f.gift,    a->f.donor,
								a->f.content_type, a->f.raw,      a->f.canonical, a->f.decoding };
	const struct str right[] = { b->f.source,       b->f.event_id, b->f.type,      b->f.gift,    b->f.donor,
								 b->f.content_type, b->f.raw,      b->f.canonical, b->f.decoding };
	for (size_t i = 0; i < sizeof left / sizeof *left; i++)
		assert_true(str_eq(left[i], right[i]));
	assert_int_equal(a->f.request, b->f.request);
	assert_int_equal(a->f.item, b->f.item);
	assert_int_equal(a->received_ms, b->received_ms);
	assert_memory_equal(a->salt, b->salt, sizeof a->salt);
	assert_memory_equal(a->digest, b->digest, sizeof a->digest);
	assert_memory_equal(a->body_digest, b->body_digest, sizeof a->body_digest);
}

/* Each field has a value of its own, so that a column that is bound or read twice shows. */
static void every_field_of_an_event_comes_back(void **state)
{
	struct store_fixture *f = *state;
	static const struct event_fields fields = { .source = STR("the source"),
												.event_id = STR("the id"),
												.type = STR("the type"),
												.gift = STR("the gift"),
												.donor = STR("the donor"),
												.content_type = STR("the content type"),
												.raw = STR("the body"),
												.canonical = STR("{\"the\":\"event\"}"),
												.decoding = STR("the charset"),
												.request = 12,
												.item = 5 };
	static const uint8_t names[2 * STORE_KEY_BYTES] = { 1, 2, [STORE_KEY_BYTES] = 3 };
	struct event *event = event_create(&fields, T0 + 1);
	event->version = 3;
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).event_insert(W(f).ctx, 3, event, &f->err), &f->err);
	must(
		W(f).related_insert(
			W(f).ctx,
			&(struct related_row){
				.id = 7, .saga = 9, .own = 11, .names = names, .name_count = 2, .due_ms = 8, .event = event },
			&f->err),
		&f->err);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	struct event *back = NULL;
	must(W(f).event_get(W(f).ctx, 3, &back, &f->err), &f->err);
	assert_same_event(back, event);
	assert_int_equal(back->version, 3);
	event_unref(back);
	struct related_row row;
	must(W(f).related_get(W(f).ctx, 7, &row, &f->err), &f->err);
	assert_same_event(row.event, event);
	assert_int_equal(row.id, 7);
	assert_int_equal(row.saga, 9);
	assert_int_equal(row.due_ms, 8);
	assert_int_equal(row.own, 11);
	assert_int_equal(row.name_count, 2);
	assert_memory_equal(row.names, names, sizeof names);
	event_unref(row.event);
	event_unref(event);
}

static void live_sagas_are_found_in_order(void **state)
{
	struct store_fixture *f = *state;
	const char *targets[] = { "a", "b" };
	struct sample_saga s = { .plan = plan_of(targets, 2) };
	for (unsigned i = 0; i < 40; i++) {
		struct sample_saga one = s;
		one.cancelled = i % 4 == 2;
		one.steps[0] = i % 2 == 0 ? step_running() : step_done();
		if (i % 8 == 0)
			one.steps[1] = step_attention(REASON_REJECTED, OUTCOME_REJECTED);
		fixture_put(&f->l, &one);
	}
	int64_t after = 0;
	int64_t ids[7];
	size_t got = 0;
	int64_t expect = 1; /* odd ids: running, among them cancelled ones and ones in attention */
	do {
		must(W(f).saga_live(W(f).ctx, after, ids, 7, &got, &f->err), &f->err);
		for (size_t i = 0; i < got; i++, expect += 2)
			assert_int_equal(ids[i], expect);
		after = got > 0 ? ids[got - 1] : after;
	} while (got > 0);
	assert_int_equal(expect, 41);
	plan_unref(s.plan);
}

/* A page begins behind `after`, and has every state; the bytes that the buffer had before stay. */
static void a_range_has_every_saga_in_order(void **state)
{
	struct store_fixture *f = *state;
	const char *targets[] = { "a" };
	struct sample_saga s = { .plan = plan_of(targets, 1) };
	for (unsigned i = 0; i < 30; i++) {
		char *id AUTO_FREE = mem_printf("event %u", i + 1);
		struct sample_saga one = s;
		one.event_id = id;
		one.steps[0] = i % 3 == 0 ? step_running() : i % 3 == 1 ? step_on_disk(WHY_SLOT, T0) : step_done();
		one.left_out = i % 6 == 0;
		fixture_put(&f->l, &one);
	}
	int64_t next = 1, after = 0;
	size_t got = 7;
	while (got == 7) {
		struct saga_row rows[7];
		struct buf AUTO_BUF values = { 0 };
		buf_text(&values, "before");
		must(W(f).saga_range(W(f).ctx, after, rows, 7, &values, &got, &f->err), &f->err);
		assert_memory_equal(values.data, "before", 6);
		for (size_t i = 0; i < got; i++, next++) {
			struct plan *plan = NULL;
			struct saga *saga = NULL;
			struct saga_row row;
			char *id AUTO_FREE = mem_printf("event %lld", (long long)next);
			assert_int_equal(rows[i].id, next);
			must(W(f).plan_get(W(f).ctx, rows[i].plan, &plan, &f->err), &f->err);
			must(saga_decode(next, plan, rows[i].value, &saga, &f->err), &f->err);
			assert_string_equal(saga->event_id, id);
			assert_true(store_index_fits(&rows[i], saga));
			assert_int_equal(store_index_left_out(&rows[i]), next % 6 == 1);
			assert_int_equal(store_index_live(&rows[i]), next % 3 == 1);
			must(W(f).saga_get(W(f).ctx, next, &row, &f->err), &f->err);
			assert_true(str_eq(row.value, rows[i].value));
			assert_int_equal(row.created_ms, rows[i].created_ms);
			saga_destroy(saga);
			plan_unref(plan);
		}
		after = next - 1;
	}
	assert_int_equal(next, 31);
	plan_unref(s.plan);
}

/* In the order in which they were asked for, with one that is asked for twice and one that is not there. */
static void many_events_come_in_one_call(void **state)
{
	struct store_fixture *f = *state;
	for (unsigned i = 0; i < 5; i++) {
		char *id AUTO_FREE = mem_printf("event %u", i + 1);
		fixture_put(&f->l, &(struct sample_saga){ .unrouted = true, .event_id = id });
	}
	const int64_t ids[] = { 4, 99, 2, 4 };
	struct event *events[4];
	must(W(f).event_many(W(f).ctx, ids, 4, events, &f->err), &f->err);
	assert_true(str_is(events[0]->f.event_id, "event 4"));
	assert_null(events[1]);
	assert_true(str_is(events[2]->f.event_id, "event 2"));
	assert_true(str_is(events[3]->f.event_id, "event 4"));
	for (size_t i = 0; i < 4; i++)
		event_unref(events[i]);
	must(W(f).event_many(W(f).ctx, ids, 0, events, &f->err), &f->err);
}

static void second_open_is_refused_and_names_the_holder(void **state)
{
	struct store_fixture *f = *state;
	struct store_writer other;
	struct err err = { 0 };
	assert_int_equal(f->factory->open(f->factory->ctx, &other, &err), ERR_BUSY);
	assert_non_null(strstr(err.text, "pid "));
	fixture_reopen(f); /* after a close the lock is free */
}

static void newer_schema_is_refused(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	f->factory->harm(f->factory->ctx, DAMAGE_NEWER_SCHEMA, 0);
	struct store_writer w;
	struct store_reader r;
	assert_int_equal(f->factory->open(f->factory->ctx, &w, &f->err), ERR_REFUSED);
	assert_non_null(strstr(f->err.text, "newer"));
	assert_int_equal(f->factory->open_reader(f->factory->ctx, &r, &f->err), ERR_REFUSED);
	assert_non_null(strstr(f->err.text, "newer"));
}

static void checkpoint_empties_the_backlog(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	for (int i = 0; i < 20; i++)
		fixture_put(&f->l, &s);
	must(W(f).checkpoint(W(f).ctx, &f->err), &f->err);
	assert_int_equal(W(f).wal_pages(W(f).ctx), 0);
	fixture_put(&f->l, &s);
	must(W(f).checkpoint(W(f).ctx, &f->err), &f->err);
	assert_int_equal(W(f).wal_pages(W(f).ctx), 0);
	assert_int_equal(fixture_put(&f->l, &s), 22);
	assert_true(W(f).free_bytes(W(f).ctx) != 0);
}

const struct contract_test contract_write_tests[] = {
	CONTRACT_TEST(empty_store_is_empty),
	CONTRACT_TEST(saga_comes_back_as_written),
	CONTRACT_TEST(saga_update_changes_all_columns),
	CONTRACT_TEST(update_of_an_unknown_saga_is_an_error),
	CONTRACT_TEST(same_saga_or_log_number_twice_is_refused),
	CONTRACT_TEST(rollback_leaves_nothing),
	CONTRACT_TEST(plan_number_does_not_survive_its_rollback),
	CONTRACT_TEST(plans_are_kept_once),
	CONTRACT_TEST(crash_before_commit_leaves_nothing),
	CONTRACT_TEST(event_comes_back_byte_for_byte),
	CONTRACT_TEST(every_field_of_an_event_comes_back),
	CONTRACT_TEST(live_sagas_are_found_in_order),
	CONTRACT_TEST(a_range_has_every_saga_in_order),
	CONTRACT_TEST(many_events_come_in_one_call),
	CONTRACT_TEST(second_open_is_refused_and_names_the_holder),
	CONTRACT_TEST(newer_schema_is_refused),
	CONTRACT_TEST(checkpoint_empties_the_backlog),
	{ NULL, NULL },
};
