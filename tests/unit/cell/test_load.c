/* Cells under load, with real sockets, threads and SQLite, made and ended several times in one process: senders send and
 * operators ask all the time, and each cell is drained, or is lost in a commit. Nothing that was accepted is lost, and
 * nothing is accepted twice. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"
#include "saga/store/store_sqlite.h"
#include "tests/support/sink_client.h"
#include "tests/support/thread_names.h"
#include "tests/unit/cell/cell_fixture.h"

#define SENDERS  4
#define EVENTS   300 /* of each sender */
#define ROUNDS   8   /* cells that end under load; one more ends when all is done */
#define LIMIT_MS 60000

struct load {
	struct cell_fixture *f;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned round;    /* grows when the next cell serves */
	unsigned accepted; /* events that were answered with 0 */
	unsigned repeated; /* answers that made a sender send again */
	bool done;
};

/* ---- senders ---- */

struct sender {
	struct load *load;
	unsigned number;
	bool waits; /* under load->lock */
	int code;
};

static void answered(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct sender *s = ctx;
	fixture_event_free(a);
	pthread_mutex_lock(&s->load->lock);
	s->waits = false;
	s->code = result->code;
	pthread_cond_broadcast(&s->load->changed);
	pthread_mutex_unlock(&s->load->lock);
}

/* Sends once and waits for the answer. A sender that is refused waits for the next cell. */
static bool send_once(struct sender *s, const char *id)
{
	struct load *load = s->load;
	struct accept *a = fixture_event(load->f, id, s, answered);
	pthread_mutex_lock(&load->lock);
	unsigned round = load->round;
	s->waits = true;
	pthread_mutex_unlock(&load->lock);
	int rc = cell_accept(load->f->cell, a);
	if (rc != 0)
		fixture_event_free(a);
	pthread_mutex_lock(&load->lock);
	while (rc == 0 && s->waits)
		pthread_cond_wait(&load->changed, &load->lock);
	bool accepted = rc == 0 && s->code == 0;
	while (!accepted && load->round == round)
		pthread_cond_wait(&load->changed, &load->lock);
	load->accepted += accepted;
	load->repeated += !accepted;
	pthread_cond_broadcast(&load->changed);
	pthread_mutex_unlock(&load->lock);
	return accepted;
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	for (unsigned i = 0; i < EVENTS; i++) {
		char id[32];
		snprintf(id, sizeof id, "%u-%u", s->number, i);
		while (!send_once(s, id))
			;
	}
	return NULL;
}

/* ---- an operator ---- */

static void verb_answered(void *ctx, const struct verb_result *result)
{
	(void)result;
	atomic_fetch_sub((atomic_uint *)ctx, 1);
}

/* Asks for figures, and gives a verb that changes nothing. Each command is answered once, at the latest when its cell
 * ends. */
static void *ask_all_the_time(void *arg)
{
	struct load *load = arg;
	static atomic_uint commands_under_way;
	const struct verb_call resume = { .verb = VERB_RESUME, .step = -1, .actor = "anna", .note = "" };
	const struct command verb = { .kind = COMMAND_VERB,
								  .ctx = &commands_under_way,
								  .u.verb = { .saga = 1, .call = &resume, .done = verb_answered } };
	for (bool done = false; !done;) {
		struct journal_counts counts;
		struct engine_target_status status;
		if (cell_counts(load->f->cell, &counts))
			journal_counts_finish(&counts);
		(void)cell_target_status(load->f->cell, 0, &status, 1);
		atomic_fetch_add(&commands_under_way, 1);
		if (command_run(load->f->cell, &verb) != 0)
			atomic_fetch_sub(&commands_under_way, 1);
		const struct timespec soon = clock_deadline(1);
		pthread_mutex_lock(&load->lock);
		if (!load->done)
			pthread_cond_timedwait(&load->changed, &load->lock, &soon);
		done = load->done;
		pthread_mutex_unlock(&load->lock);
	}
	assert_int_equal(atomic_load(&commands_under_way), 0);
	return NULL;
}

/* ---- the owner ---- */

static void wait_accepted(struct load *load, unsigned wanted)
{
	pthread_mutex_lock(&load->lock);
	while (load->accepted < wanted)
		pthread_cond_wait(&load->changed, &load->lock);
	pthread_mutex_unlock(&load->lock);
}

static void next_round(struct load *load)
{
	fixture_serve(load->f);
	assert_true(thread_name_appears("engine"));
	pthread_mutex_lock(&load->lock);
	load->round++;
	pthread_cond_broadcast(&load->changed);
	pthread_mutex_unlock(&load->lock);
}

/* The loss comes with one of the next commits of the senders. */
static void end_round(struct cell_fixture *f, unsigned round)
{
	unsigned failures = atomic_load(&f->failures);
	if (round % 2 == 0) {
		cell_drain(f->cell, round % 4 == 0 ? 1000 : 0);
		cell_end(f->cell, "drained");
		assert_int_equal(atomic_load(&f->failures), failures);
		return;
	}
	fixture_fail_commit(round % 3, ERR_LOST);
	int64_t until_ms = clock_monotonic_ms() + LIMIT_MS;
	while (!cell_is_over(f->cell) && clock_monotonic_ms() < until_ms)
		sched_yield();
	assert_int_equal(cell_get_state(f->cell), CELL_LOST);
	cell_end(f->cell, "lost");
	assert_int_equal(atomic_load(&f->failures), failures + 1);
	assert_int_equal(atomic_load(&f->failure), ERR_LOST);
}

static void wait_completed(struct cell_fixture *f, int64_t wanted)
{
	int64_t until_ms = clock_monotonic_ms() + LIMIT_MS;
	for (int64_t completed = 0; completed < wanted; sched_yield()) {
		struct journal_counts counts;
		assert_true(cell_counts(f->cell, &counts));
		completed = counts.sagas[SAGA_COMPLETED];
		assert_true(completed <= wanted);
		assert_int_equal(counts.sagas[SAGA_ATTENTION], 0);
		journal_counts_finish(&counts);
		assert_true(clock_monotonic_ms() < until_ms);
	}
}

static void report_line(void *ctx, const char *line)
{
	(void)ctx;
	print_error("verify: %s\n", line);
}

/* Each event has one saga, and no more sagas are there. */
static void check_store(const struct cell_fixture *f)
{
	struct store_reader reader;
	struct err err = { 0 };
	int64_t findings = 1, saga = 0;
	if (store_sqlite_open_reader(f->path, NULL, &reader, &err) != 0 ||
		reader.verify(reader.ctx, NULL, report_line, &findings, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(findings, 0);
	for (unsigned s = 0; s < SENDERS; s++) {
		for (unsigned i = 0; i < EVENTS; i++) {
			char id[32];
			snprintf(id, sizeof id, "%u-%u", s, i);
			assert_int_equal(reader.saga_find(reader.ctx, "forms", id, &saga, &err), 0);
			assert_true(saga >= 1 && saga <= SENDERS * EVENTS);
		}
	}
	reader.close(reader.ctx);
}

static void cells_end_under_load_and_lose_nothing(void **state)
{
	(void)state;
	struct sink_child *sink = sink_client_start(NULL);
	sink_client_set(sink, "/gift", "{\"status\":200,\"delay_ms\":2}");
	struct cell_fixture *f = fixture_open(false);
	char *url AUTO_FREE = sink_client_url(sink, "/gift");
	snprintf(f->url, sizeof f->url, "%s", url);
	struct load load = { .f = f };
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS], operator;
	assert_int_equal(pthread_mutex_init(&load.lock, NULL), 0);
	assert_int_equal(clock_condition_init(&load.changed), 0);
	next_round(&load);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .load = &load, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	}
	assert_int_equal(pthread_create(&operator, NULL, ask_all_the_time, &load), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		wait_accepted(&load, (round + 1) * SENDERS * EVENTS / (ROUNDS + 1));
		end_round(f, round);
		next_round(&load);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	wait_completed(f, SENDERS * EVENTS);
	cell_drain(f->cell, 1000);
	cell_end(f->cell, "done");
	pthread_mutex_lock(&load.lock);
	load.done = true;
	pthread_cond_broadcast(&load.changed);
	pthread_mutex_unlock(&load.lock);
	assert_int_equal(pthread_join(operator, NULL), 0);
	assert_int_equal(load.accepted, SENDERS * EVENTS);
	assert_true(load.repeated > 0);
	check_store(f);
	/* every gift arrived, and what was repeated carried the key of before */
	int64_t requests = sink_client_counter(sink, "/gift", "requests");
	assert_int_equal(requests - sink_client_counter(sink, "/gift", "repeats"), SENDERS * EVENTS);
	pthread_cond_destroy(&load.changed);
	pthread_mutex_destroy(&load.lock);
	fixture_close(f);
	sink_client_stop(sink);
}

/* An owner that gives up before it serves has sent nothing. */
static void a_cell_that_starts_commits_and_sends_nothing(void **state)
{
	(void)state;
	struct sink_child *sink = sink_client_start(NULL);
	struct cell_fixture *f = fixture_open(false);
	char *url AUTO_FREE = sink_client_url(sink, "/gift");
	snprintf(f->url, sizeof f->url, "%s", url);
	struct load load = { .f = f };
	struct sender sender = { .load = &load };
	struct err err = { 0 };
	assert_int_equal(pthread_mutex_init(&load.lock, NULL), 0);
	assert_int_equal(clock_condition_init(&load.changed), 0);
	assert_int_equal(fixture_try_make(f, &err), 0);
	assert_true(send_once(&sender, "e1"));
	cell_end(f->cell, "the port is taken");
	assert_int_equal(sink_client_counter(sink, "/gift", "requests"), 0);
	fixture_serve(f);
	wait_completed(f, 1);
	cell_drain(f->cell, 0);
	cell_end(f->cell, "done");
	assert_int_equal(sink_client_counter(sink, "/gift", "requests"), 1);
	pthread_cond_destroy(&load.changed);
	pthread_mutex_destroy(&load.lock);
	fixture_close(f);
	sink_client_stop(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cells_end_under_load_and_lose_nothing),
										cmocka_unit_test(a_cell_that_starts_commits_and_sends_nothing) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
