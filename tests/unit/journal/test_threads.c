/* The journal's thread with several threads that submit: each operation is answered once, and nothing is
 * lost. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/journal/journal.h"
#include "tests/support/thread_names.h"
#include "tests/unit/journal/journal_fixture.h"

#define SUBMITTERS 4
#define EVENTS     250

struct threads_fixture {
	struct journal *j;
	struct plan *plan;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct work_list works;
	unsigned accepted, duplicates, full, settled, verbs;
	unsigned failures;
	bool closing;
};

static enum admission hook_admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	(void)ctx, (void)target, (void)bytes;
	return may_start_in_commit ? ADMISSION_SLOT : ADMISSION_WINDOW;
}

static void hook_deliver(void *ctx, const struct handout *delivery)
{
	struct threads_fixture *h = ctx;
	pthread_mutex_lock(&h->lock);
	struct work *w, *next;
	for (w = STAILQ_FIRST(&delivery->works); w != NULL; w = next) {
		next = STAILQ_NEXT(w, link);
		STAILQ_INSERT_TAIL(&h->works, w, link);
	}
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void hook_failed(void *ctx, const struct err *err)
{
	print_message("%s\n", err->text);
	((struct threads_fixture *)ctx)->failures++;
}

static void accept_done(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct threads_fixture *h = ctx;
	pthread_mutex_lock(&h->lock);
	h->accepted += result->code == 0 && !result->duplicate ? 1 : 0;
	h->duplicates += result->duplicate ? 1 : 0;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	event_unref(a->event);
	free(a);
}

static unsigned answered(struct threads_fixture *h)
{
	pthread_mutex_lock(&h->lock);
	unsigned count = h->accepted + h->duplicates;
	pthread_mutex_unlock(&h->lock);
	return count;
}

/* When the queue is full, waits until an event is answered. The answers are counted before the attempt: those
 * that make space may come before this thread waits. */
static bool accepted(struct threads_fixture *h, struct accept *a)
{
	unsigned before = answered(h);
	if (journal_accept(h->j, a) != ERR_FULL)
		return true;
	pthread_mutex_lock(&h->lock);
	h->full++;
	while (h->accepted + h->duplicates == before)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
	return false;
}

static void submit(struct threads_fixture *h, unsigned n)
{
	char id[16];
	snprintf(id, sizeof id, "e%u", n);
	struct event_fields f = { .source = STR("forms"),
							  .event_id = str_of(id),
							  .type = STR("donation.created"),
							  .raw = STR("{}"),
							  .canonical = STR("{}") };
	struct accept *a = mem_zalloc(sizeof *a);
	a->event = event_create(&f, FIXTURE_T0);
	a->start = (struct saga_start){ .plan = h->plan,
									.source = "forms",
									.event_id = a->event->f.event_id.p,
									.type = "donation.created",
									.gift = "",
									.donor = "",
									.note = "" };
	journal_event_key("forms", id, a->dedup);
	a->ctx = h;
	a->done = accept_done;
	while (!accepted(h, a))
		;
}

struct submitter {
	struct threads_fixture *h;
	unsigned first;
};

static void *submitter(void *arg)
{
	struct submitter *s = arg;
	for (unsigned i = 0; i < EVENTS; i++)
		submit(s->h, s->first + i);
	return NULL;
}

static void verb_done(void *ctx, const struct verb_result *result)
{
	struct threads_fixture *h = ctx;
	assert_true(result->code == 0 || result->code == ERR_REFUSED || result->code == ERR_NOT_FOUND);
	pthread_mutex_lock(&h->lock);
	h->verbs++;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* Verbs and reads of the figures, in parallel with the events. */
static void *watcher(void *arg)
{
	struct threads_fixture *h = arg;
	for (int64_t i = 1; i <= 50; i++) {
		struct verb_call call = { .verb = VERB_RESUME, .step = -1, .actor = "uid 7", .note = "" };
		assert_int_equal(journal_verb(h->j, i, &call, h, verb_done), 0);
		struct journal_counts c;
		journal_counts(h->j, &c);
		int64_t sum = c.related;
		for (unsigned k = 0; k < SAGA_STATE_COUNT; k++)
			sum += c.sagas[k];
		assert_int_equal(sum, c.accepted);
		journal_counts_finish(&c);
	}
	return NULL;
}

static struct work *next_work(struct threads_fixture *h)
{
	pthread_mutex_lock(&h->lock);
	while (STAILQ_EMPTY(&h->works) && !h->closing)
		pthread_cond_wait(&h->changed, &h->lock);
	struct work *w = STAILQ_FIRST(&h->works);
	if (w != NULL)
		STAILQ_REMOVE_HEAD(&h->works, link);
	pthread_mutex_unlock(&h->lock);
	return w;
}

static void *engine(void *arg)
{
	struct threads_fixture *h = arg;
	struct work *w;
	while ((w = next_work(h)) != NULL) {
		struct outcome ok = { .result = OUTCOME_OK, .effect_sent = true, .result_json = "{\"id\":\"1\"}" };
		if (w->kind == WORK_READY) {
			journal_start(h->j, w);
		} else if (w->kind == WORK_START) {
			journal_outcome(h->j, w, &ok, NULL);
			pthread_mutex_lock(&h->lock);
			h->settled++;
			pthread_cond_broadcast(&h->changed);
			pthread_mutex_unlock(&h->lock);
		} else {
			work_destroy(w);
		}
	}
	return NULL;
}

static void wait_until(struct threads_fixture *h, const unsigned *count, unsigned at_least)
{
	pthread_mutex_lock(&h->lock);
	while (*count < at_least)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

/* In place of the fixture's journal, which has no thread. */
static void open_fixture(struct threads_fixture *h, struct journal_fixture *r)
{
	static struct journal_target targets[2] = {
		{ .name = "crm",
		  .rules = { .repeat = REPEAT_KEYED, .retry = { .first_ms = 1000, .factor = 2, .cap_ms = 9 } } },
		{ .name = "thanks",
		  .rules = { .repeat = REPEAT_UNSAFE, .retry = { .first_ms = 1000, .factor = 2, .cap_ms = 9 } } }
	};
	struct err err = { 0 };
	struct journal_options o = { .clock = clock_system(),
								 .entropy = entropy_system(),
								 .hooks = { h, hook_admit, hook_deliver, hook_failed },
								 .targets = targets,
								 .target_count = 2,
								 .queue_records = 64,
								 .actor = "threads" };
	fixture_close(r);
	fixture_remove_store(r);
	fixture_open_store(r, &o.store);
	assert_int_equal(journal_create(&o, &h->j, &err), 0);
	assert_int_equal(journal_start_thread(h->j, &err), 0);
	assert_true(thread_name_appears("log"));
}

static void many_threads_one_journal(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct threads_fixture h = { .plan = fixture_plan("crm thanks", POLICY_CONTINUE) };
	struct submitter submitters[SUBMITTERS];
	pthread_t threads[SUBMITTERS], engine_thread, watcher_thread;
	STAILQ_INIT(&h.works);
	assert_int_equal(pthread_mutex_init(&h.lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&h.changed, NULL), 0);
	open_fixture(&h, r);
	assert_int_equal(pthread_create(&engine_thread, NULL, engine, &h), 0);
	for (unsigned i = 0; i < SUBMITTERS; i++) {
		submitters[i] = (struct submitter){ &h, i / 2 * EVENTS }; /* two threads submit each event */
		assert_int_equal(pthread_create(&threads[i], NULL, submitter, &submitters[i]), 0);
	}
	assert_int_equal(pthread_create(&watcher_thread, NULL, watcher, &h), 0);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(pthread_join(watcher_thread, NULL), 0);
	wait_until(&h, &h.settled, SUBMITTERS / 2 * EVENTS * 2);
	wait_until(&h, &h.verbs, 50);
	journal_stop(h.j, "the test is over");
	pthread_mutex_lock(&h.lock);
	h.closing = true;
	pthread_cond_broadcast(&h.changed);
	pthread_mutex_unlock(&h.lock);
	assert_int_equal(pthread_join(engine_thread, NULL), 0);
	assert_int_equal(h.accepted, SUBMITTERS / 2 * EVENTS);
	assert_int_equal(h.duplicates, SUBMITTERS / 2 * EVENTS);
	assert_int_equal(h.failures, 0);
	struct journal_counts c;
	journal_counts(h.j, &c);
	assert_int_equal(c.sagas[SAGA_COMPLETED], SUBMITTERS / 2 * EVENTS);
	assert_int_equal(c.targets[0].succeeded, SUBMITTERS / 2 * EVENTS);
	journal_counts_finish(&c);
	struct err err = { 0 };
	if (journal_audit(h.j, &err) != 0)
		fail_msg("%s", err.text);
	journal_destroy(h.j);
	plan_unref(h.plan);
	pthread_mutex_destroy(&h.lock);
	pthread_cond_destroy(&h.changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(many_threads_one_journal,
																		fixture_setup, fixture_teardown) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
