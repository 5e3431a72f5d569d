/* One run: a process that starts, is killed or stopped, and starts again, until the script is over and
 * everything has come to rest. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "tests/sim/sim.h"

#define SCRIPT_MS       8000
#define RECOVERY_ROUNDS 40
#define ROUND_MS        20000
#define EVENTS_MAX      60000
#define PROBES_MS       (11 * 60 * 1000)

/* ---- telling ---- */

void sim_trace(struct simulation *w, const char *fmt, ...)
{
	if (!w->trace)
		return;
	va_list args;
	va_start(args, fmt);
	(void)printf("%9" PRId64 " ", w->now_ms);
	(void)vprintf(fmt, args);
	(void)printf("\n");
	va_end(args);
}

void sim_fail(const struct simulation *w, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)fflush(stdout);
	(void)fprintf(stderr, "seed %" PRIu64 ", %" PRId64 " ms, event %u: ", w->seed, w->now_ms, w->steps_done);
	(void)vfprintf(stderr, fmt, args);
	(void)fprintf(stderr, "\n(replay: sim --seed %" PRIu64 ")\n", w->seed);
	va_end(args);
	exit(1);
}

void sim_mix(struct simulation *w, uint64_t value)
{
	w->hash = (w->hash ^ value) * 1099511628211u;
	w->hash ^= w->hash >> 29;
}

/* ---- ports ---- */

static int64_t now(void *ctx)
{
	return ((struct simulation *)ctx)->now_ms;
}

static uint64_t below(void *ctx, uint64_t bound)
{
	return rng_below(&((struct simulation *)ctx)->entropy, bound);
}

static void schedule_tick(struct simulation *w, int64_t at_ms)
{
	if (at_ms >= w->tick_at_ms)
		return;
	w->tick_at_ms = at_ms;
	heap_push(&w->heap, at_ms, SIM_EVENT_TICK, 0);
}

void sim_wake(void *ctx)
{
	struct simulation *w = ctx;
	schedule_tick(w, w->now_ms + (int64_t)rng_below(&w->rng, 3));
}

static void schedule_pump_at(struct simulation *w, int64_t at_ms)
{
	if (at_ms >= w->pump_at_ms)
		return;
	w->pump_at_ms = at_ms;
	heap_push(&w->heap, at_ms, SIM_EVENT_PUMP, 0);
}

void sim_schedule_pump(struct simulation *w)
{
	uint64_t slowest_ms = rng_chance(&w->rng, 20) ? 60 : 4; /* a disk may think for a while */
	schedule_pump_at(w, w->now_ms + (int64_t)rng_below(&w->rng, slowest_ms));
}

static void log_line(void *ctx, enum engine_log_level level, const char *target, const char *text)
{
	(void)level;
	sim_trace(ctx, "  log: %s: %s", target, text);
}

static void failed(void *ctx, const struct err *err)
{
	sim_fail(ctx, "the journal failed: %s", err->text);
}

static enum admission admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	struct simulation *w = ctx;
	enum admission verdict = engine_admit(w->engine, target, bytes, may_start_in_commit);
	coverage_point_hit(w->coverage, verdict == ADMISSION_SLOT     ? COVER_STARTED_IN_COMMIT
									: verdict == ADMISSION_WINDOW ? COVER_WINDOW
																  : COVER_DISK);
	return verdict;
}

static void deliver(void *ctx, const struct handout *delivery)
{
	struct simulation *w = ctx;
	const struct work *work;
	STAILQ_FOREACH(work, &delivery->works, link)
	{
		sim_mix(w, (uint64_t)work->saga * 64 + work->ref.step * 8 + work->kind);
		if (work->kind == WORK_GONE)
			coverage_point_hit(w->coverage, COVER_GONE);
	}
	for (size_t i = 0; i < delivery->news_count; i++) {
		if (delivery->news[i].claim_done)
			coverage_point_hit(w->coverage,
							   delivery->news[i].claim_granted > 0 ? COVER_CLAIMED : COVER_CLAIM_EMPTY);
	}
	engine_deliver(w->engine, delivery);
}

/* ---- the process ---- */

static void apply_targets(struct simulation *w)
{
	struct engine_target_config configs[SIM_TARGETS];
	size_t count = 0;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		struct sim_target *t = &w->targets[i];
		if (t->missing)
			continue;
		if (t->new_port) {
			t->config.port = sim_connector_port(w, i);
			t->config.digest[0]++;
		}
		t->new_port = false;
		t->config.id = t->id;
		configs[count++] = t->config;
	}
	engine_set_targets(w->engine, configs, count);
}

static void targets_adopted(void *ctx, const struct journal_target *targets, size_t count)
{
	(void)targets, (void)count;
	apply_targets(ctx);
}

static size_t list_targets(const struct simulation *w, struct journal_target targets[SIM_TARGETS])
{
	size_t count = 0;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		const struct sim_target *t = &w->targets[i];
		if (!t->missing)
			targets[count++] = (struct journal_target){ .name = t->name, .rules = t->rules };
	}
	return count;
}

void sim_reload(struct simulation *w)
{
	struct journal_target targets[SIM_TARGETS];
	size_t count = list_targets(w, targets);
	if (journal_set_targets(w->journal, targets, count, w, targets_adopted) != 0)
		sim_fail(w, "the journal refused new targets");
}

static void copy_target_ids(struct simulation *w, const struct journal_target *targets, size_t count)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		for (size_t k = 0; k < count; k++) {
			if (strcmp(w->targets[i].name, targets[k].name) == 0)
				w->targets[i].id = targets[k].id;
		}
	}
}

static void open_journal(struct simulation *w)
{
	struct journal_target targets[SIM_TARGETS];
	struct err err = { 0 };
	size_t count = list_targets(w, targets);
	struct journal_options options = { .check_every = 1,
									   .clock = { w, now, now },
									   .entropy = { w, below },
									   .hooks = { w, admit, deliver, failed },
									   .targets = targets,
									   .target_count = count,
									   .actor = "simulation" };
	if (store_sqlite_open(w->path, NULL, &options.store, &err) != 0)
		sim_fail(w, "store: %s", err.text);
	if (journal_create(&options, &w->journal, &err) != 0)
		sim_fail(w, "journal: %s", err.text);
	copy_target_ids(w, targets, count);
	if (store_sqlite_open_reader(w->path, NULL, &w->reader, &err) != 0)
		sim_fail(w, "reader: %s", err.text);
	w->reader_open = true;
}

void sim_start(struct simulation *w)
{
	struct engine_options options = { .clock = { w, now, now },
									  .transport = network_transport(w),
									  .when = { w, sim_condition },
									  .log = { w, log_line },
									  .wake_ctx = w,
									  .wake = sim_wake };
	w->tick_at_ms = w->pump_at_ms = INT64_MAX;
	w->stopping = false;
	w->engine = engine_create(&options);
	open_journal(w);
	engine_set_journal(w->engine, w->journal);
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		w->targets[i].new_port = true;
	apply_targets(w);
	sim_schedule_pump(w);
	log_replay_read(w);
	job_clients_started(w);
}

static void power_off(struct simulation *w)
{
	struct journal *journal = w->journal;
	w->journal = NULL;
	log_replay_forget_open(w);
	if (w->reader_open)
		w->reader.close(w->reader.ctx);
	w->reader_open = false;
	if (rng_chance(&w->rng, 50)) {
		engine_destroy(w->engine);
		journal_destroy(journal);
	} else {
		journal_destroy(journal);
		engine_destroy(w->engine);
	}
	w->engine = NULL;
	heap_drop(&w->heap, SIM_EVENT_TICK);
	heap_drop(&w->heap, SIM_EVENT_PUMP);
	network_power_off(w);
}

void sim_crash(struct simulation *w)
{
	bool running = false;
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		running |= w->targets[i].open_attempts > 0;
	coverage_point_hit(w->coverage, running ? COVER_CRASH_RUNNING : COVER_CRASH_IDLE);
	power_off(w);
	w->now_ms += (int64_t)rng_below(&w->rng, 300);
	sim_start(w);
}

/* The drain is over: everything was said, and the process ends. */
static void stop_now(struct simulation *w)
{
	journal_stop(w->journal, "stopped by a signal");
	log_replay_read(w);
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (w->targets[i].open_attempts > 0)
			sim_fail(w, "%s: attempts are open after the drain", w->targets[i].name);
	}
	coverage_point_hit(w->coverage, COVER_STOPPED);
	power_off(w);
	sim_start(w);
}

/* ---- one event ---- */

static void tick(struct simulation *w)
{
	engine_tick(w->engine);
	if (w->stopping && engine_idle(w->engine)) {
		stop_now(w);
		return;
	}
	int64_t next = engine_next_ms(w->engine);
	if (next >= 0)
		schedule_tick(w, w->now_ms + (next > 0 ? next : 1));
	else if (w->stopping)
		schedule_tick(w, w->now_ms + 5);
}

static void pump(struct simulation *w)
{
	int handled = journal_pump(w->journal);
	if (handled < 0)
		sim_fail(w, "pump: %d", handled);
	if (handled > 0)
		sim_schedule_pump(w);
	int64_t due = journal_idle_due_ms(w->journal);
	if (due < INT64_MAX)
		schedule_pump_at(w, due > w->now_ms ? due : w->now_ms + 1);
}

static void begin_stop(struct simulation *w)
{
	if (w->stopping)
		return;
	w->stopping = true;
	engine_drain(w->engine, (int64_t)rng_below(&w->rng, 400));
	schedule_tick(w, w->now_ms);
}

static void handle_event(struct simulation *w, const struct sim_event *h)
{
	switch (h->kind) {
	case SIM_EVENT_ACCEPT:
		environment_accept(w, h->arg);
		break;
	case SIM_EVENT_TICK:
		tick(w);
		break;
	case SIM_EVENT_PUMP:
		pump(w);
		break;
	case SIM_EVENT_ARRIVE:
		network_arrive(w, h->arg);
		break;
	case SIM_EVENT_DONE:
		network_done(w, h->arg);
		schedule_tick(w, w->now_ms);
		break;
	case SIM_EVENT_VERB:
		environment_verb(w);
		break;
	case SIM_EVENT_TARGET:
		environment_target(w);
		break;
	case SIM_EVENT_MOOD:
		environment_behaviour(w);
		break;
	case SIM_EVENT_RELOAD:
		environment_reload(w);
		break;
	case SIM_EVENT_CRASH:
		sim_crash(w);
		break;
	case SIM_EVENT_STOP:
		begin_stop(w);
		break;
	case SIM_EVENT_JOB:
		job_clients_create(w, h->arg);
		break;
	case SIM_EVENT_JOB_CANCEL:
		job_clients_cancel(w, h->arg);
		break;
	case SIM_EVENT_SLICE:
		job_clients_slice(w);
		break;
	case SIM_EVENT_KINDS:
		break;
	}
}

/* A tick or pump that was meant for an earlier time than the one now planned has been done already. */
static bool is_stale(struct simulation *w, const struct sim_event *h)
{
	if (h->kind == SIM_EVENT_TICK) {
		if (h->at_ms != w->tick_at_ms)
			return true;
		w->tick_at_ms = INT64_MAX;
	}
	if (h->kind == SIM_EVENT_PUMP) {
		if (h->at_ms != w->pump_at_ms)
			return true;
		w->pump_at_ms = INT64_MAX;
	}
	return false;
}

static void run_until(struct simulation *w, int64_t until_ms)
{
	struct sim_event h;
	while (heap_next_ms(&w->heap) <= until_ms && heap_pop(&w->heap, &h)) {
		if (is_stale(w, &h))
			continue;
		w->now_ms = h.at_ms > w->now_ms ? h.at_ms : w->now_ms;
		if (h.kind != SIM_EVENT_TICK && h.kind != SIM_EVENT_PUMP)
			sim_trace(w, "%s %" PRIu64, sim_event_kind_name(h.kind), h.arg);
		sim_mix(w, (uint64_t)w->now_ms * SIM_EVENT_KINDS + h.kind);
		handle_event(w, &h);
		if (h.kind != SIM_EVENT_PUMP)
			sim_schedule_pump(w);
		check_after(w);
		if (++w->steps_done > EVENTS_MAX)
			sim_fail(w, "more than %d events: something spins", EVENTS_MAX);
	}
	if (w->now_ms < until_ms)
		w->now_ms = until_ms;
}

/* ---- a whole run ---- */

static void make_dir(struct simulation *w)
{
	(void)snprintf(w->dir, sizeof w->dir, "%s/almoner-sim-XXXXXX",
				   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(w->dir) == NULL)
		sim_fail(w, "no directory for the store");
	(void)snprintf(w->path, sizeof w->path, "%s/log.db", w->dir);
}

static void remove_dir(const struct simulation *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char path[128];
		(void)snprintf(path, sizeof path, "%s%s", w->path, suffixes[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->dir);
}

static void run_script(struct simulation *w)
{
	environment_heal(w);
	if (rng_chance(&w->rng, 50)) /* long enough for held targets to be asked again */
		run_until(w, w->now_ms + PROBES_MS);
	for (unsigned round = 0; round < RECOVERY_ROUNDS; round++) {
		run_until(w, w->now_ms + ROUND_MS);
		check_at_rest(w);
		if (check_all_at_rest(w) && !w->stopping)
			return;
		environment_settle(w);
		sim_schedule_pump(w);
	}
	check_end(w); /* names what is stuck */
	sim_fail(w, "not everything came to rest after everything was mended");
}

static void sim_free(struct simulation *w)
{
	network_free(w);
	for (unsigned i = 0; i < SIM_PLANS; i++)
		plan_unref(w->plans[i]);
	plan_unref(w->empty);
	log_replay_destroy(w->log_replay);
	free(w->sink_requests);
	free(w->effects);
	free(w->heap.items);
	remove_dir(w);
	free(w);
}

bool sim_run(uint64_t seed, bool trace, struct coverage *coverage, uint64_t *ret_hash)
{
	struct simulation *w = mem_zalloc(sizeof *w);
	w->seed = seed;
	w->rng.state = seed * 2654435761u + 1;
	w->entropy.state = seed ^ 0x5DEECE66Du;
	w->now_ms = 1700000000000;
	w->hash = 1469598103934665603u;
	w->trace = trace;
	w->coverage = coverage;
	w->log_replay = log_replay_create();
	TAILQ_INIT(&w->requests);
	make_dir(w);
	environment_plan(w);
	job_clients_plan(w);
	sim_start(w);
	run_until(w, w->now_ms + SCRIPT_MS);
	run_script(w);
	check_end(w);
	job_clients_check_end(w);
	*ret_hash = w->hash;
	power_off(w);
	sim_free(w);
	return true;
}
