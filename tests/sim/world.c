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

#define SCRIPT_MS   8000
#define HEAL_ROUNDS 40
#define ROUND_MS    20000
#define EVENTS_MAX  60000
#define PROBES_MS   (11 * 60 * 1000)

/* ---- telling ---- */

void world_trace(struct world *w, const char *fmt, ...)
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

void world_fail(const struct world *w, const char *fmt, ...)
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

void world_mix(struct world *w, uint64_t value)
{
	w->hash = (w->hash ^ value) * 1099511628211u;
	w->hash ^= w->hash >> 29;
}

/* ---- ports ---- */

static int64_t now(void *ctx)
{
	return ((struct world *)ctx)->now_ms;
}

static uint64_t below(void *ctx, uint64_t bound)
{
	return rng_below(&((struct world *)ctx)->entropy, bound);
}

static void expect_tick(struct world *w, int64_t at_ms)
{
	if (at_ms >= w->tick_at_ms)
		return;
	w->tick_at_ms = at_ms;
	heap_push(&w->heap, at_ms, HAPPEN_TICK, 0);
}

void world_wake(void *ctx)
{
	struct world *w = ctx;
	expect_tick(w, w->now_ms + (int64_t)rng_below(&w->rng, 3));
}

static void expect_pump_at(struct world *w, int64_t at_ms)
{
	if (at_ms >= w->pump_at_ms)
		return;
	w->pump_at_ms = at_ms;
	heap_push(&w->heap, at_ms, HAPPEN_PUMP, 0);
}

void world_expect_pump(struct world *w)
{
	uint64_t slowest_ms = rng_chance(&w->rng, 20) ? 60 : 4; /* a disk may think for a while */
	expect_pump_at(w, w->now_ms + (int64_t)rng_below(&w->rng, slowest_ms));
}

static void log_line(void *ctx, enum engine_log_level level, const char *target, const char *text)
{
	(void)level;
	world_trace(ctx, "  log: %s: %s", target, text);
}

static void failed(void *ctx, const struct err *err)
{
	world_fail(ctx, "the journal failed: %s", err->text);
}

static enum admit admit(void *ctx, uint32_t target, size_t bytes, bool may_ride)
{
	struct world *w = ctx;
	enum admit verdict = engine_admit(w->engine, target, bytes, may_ride);
	mark(w->marks, verdict == ADMIT_SLOT ? MARK_RIDE : verdict == ADMIT_WINDOW ? MARK_WINDOW : MARK_DISK);
	return verdict;
}

static void deliver(void *ctx, const struct delivery *delivery)
{
	struct world *w = ctx;
	const struct work *work;
	STAILQ_FOREACH(work, &delivery->works, link)
	{
		world_mix(w, (uint64_t)work->saga * 64 + work->ref.step * 8 + work->kind);
		if (work->kind == WORK_GONE)
			mark(w->marks, MARK_GONE);
	}
	for (size_t i = 0; i < delivery->news_count; i++) {
		if (delivery->news[i].claim_done)
			mark(w->marks, delivery->news[i].claim_granted > 0 ? MARK_CLAIMED : MARK_CLAIM_EMPTY);
	}
	engine_deliver(w->engine, delivery);
}

/* ---- the process ---- */

static void apply_targets(struct world *w)
{
	struct engine_target_config configs[SIM_TARGETS];
	size_t count = 0;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		struct sim_target *t = &w->targets[i];
		if (t->missing)
			continue;
		if (t->new_port) {
			t->config.port = conn_port(w, i);
			t->config.digest[0]++;
		}
		t->new_port = false;
		t->config.id = t->id;
		configs[count++] = t->config;
	}
	engine_set_targets(w->engine, configs, count);
}

static void adopted(void *ctx, const struct journal_target *targets, size_t count)
{
	(void)targets, (void)count;
	apply_targets(ctx);
}

static size_t list_targets(const struct world *w, struct journal_target targets[SIM_TARGETS])
{
	size_t count = 0;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		const struct sim_target *t = &w->targets[i];
		if (!t->missing)
			targets[count++] = (struct journal_target){ .name = t->name, .rules = t->rules };
	}
	return count;
}

void world_reload(struct world *w)
{
	struct journal_target targets[SIM_TARGETS];
	size_t count = list_targets(w, targets);
	if (journal_set_targets(w->journal, targets, count, w, adopted) != 0)
		world_fail(w, "the journal refused new targets");
}

static void learn_ids(struct world *w, const struct journal_target *targets, size_t count)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		for (size_t k = 0; k < count; k++) {
			if (strcmp(w->targets[i].name, targets[k].name) == 0)
				w->targets[i].id = targets[k].id;
		}
	}
}

static void open_journal(struct world *w)
{
	struct journal_target targets[SIM_TARGETS];
	struct err err = { 0 };
	size_t count = list_targets(w, targets);
	struct journal_options options = { .clock = { w, now, now },
									   .entropy = { w, below },
									   .hooks = { w, admit, deliver, failed },
									   .targets = targets,
									   .target_count = count,
									   .actor = "simulation" };
	if (store_sqlite_open(w->path, NULL, &options.store, &err) != 0)
		world_fail(w, "store: %s", err.text);
	if (journal_create(&options, &w->journal, &err) != 0)
		world_fail(w, "journal: %s", err.text);
	learn_ids(w, targets, count);
	if (store_sqlite_open_reader(w->path, NULL, &w->reader, &err) != 0)
		world_fail(w, "reader: %s", err.text);
	w->reader_open = true;
}

void world_start(struct world *w)
{
	struct engine_options options = { .clock = { w, now, now },
									  .transport = wire_transport(w),
									  .when = { w, sim_when },
									  .log = { w, log_line },
									  .wake_ctx = w,
									  .wake = world_wake };
	w->tick_at_ms = w->pump_at_ms = INT64_MAX;
	w->stopping = false;
	w->engine = engine_create(&options);
	open_journal(w);
	engine_set_journal(w->engine, w->journal);
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		w->targets[i].new_port = true;
	apply_targets(w);
	world_expect_pump(w);
	fold_read(w);
	crew_started(w);
}

static void power_off(struct world *w)
{
	struct journal *journal = w->journal;
	w->journal = NULL;
	fold_forget_open(w);
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
	heap_drop(&w->heap, HAPPEN_TICK);
	heap_drop(&w->heap, HAPPEN_PUMP);
	wire_power_off(w);
}

void world_crash(struct world *w)
{
	bool running = false;
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		running |= w->targets[i].open_attempts > 0;
	mark(w->marks, running ? MARK_CRASH_RUNNING : MARK_CRASH_IDLE);
	power_off(w);
	w->now_ms += (int64_t)rng_below(&w->rng, 300);
	world_start(w);
}

/* The drain is over: everything was said, and the process ends. */
static void stop_now(struct world *w)
{
	journal_stop(w->journal, "stopped by a signal");
	fold_read(w);
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (w->targets[i].open_attempts > 0)
			world_fail(w, "%s: attempts are open after the drain", w->targets[i].name);
	}
	mark(w->marks, MARK_STOPPED);
	power_off(w);
	world_start(w);
}

/* ---- one event ---- */

static void tick(struct world *w)
{
	engine_tick(w->engine);
	if (w->stopping && engine_idle(w->engine)) {
		stop_now(w);
		return;
	}
	int64_t next = engine_next_ms(w->engine);
	if (next >= 0)
		expect_tick(w, w->now_ms + (next > 0 ? next : 1));
	else if (w->stopping)
		expect_tick(w, w->now_ms + 5);
}

static void pump(struct world *w)
{
	int handled = journal_pump(w->journal);
	if (handled < 0)
		world_fail(w, "pump: %d", handled);
	if (handled > 0)
		world_expect_pump(w);
	int64_t due = journal_idle_due_ms(w->journal);
	if (due < INT64_MAX)
		expect_pump_at(w, due > w->now_ms ? due : w->now_ms + 1);
}

static void begin_stop(struct world *w)
{
	if (w->stopping)
		return;
	w->stopping = true;
	engine_drain(w->engine, (int64_t)rng_below(&w->rng, 400));
	expect_tick(w, w->now_ms);
}

static void happen(struct world *w, const struct happen *h)
{
	switch (h->kind) {
	case HAPPEN_ACCEPT:
		people_accept(w, h->arg);
		break;
	case HAPPEN_TICK:
		tick(w);
		break;
	case HAPPEN_PUMP:
		pump(w);
		break;
	case HAPPEN_ARRIVE:
		wire_arrive(w, h->arg);
		break;
	case HAPPEN_DONE:
		wire_done(w, h->arg);
		expect_tick(w, w->now_ms);
		break;
	case HAPPEN_VERB:
		people_verb(w);
		break;
	case HAPPEN_TARGET:
		people_target(w);
		break;
	case HAPPEN_MOOD:
		people_mood(w);
		break;
	case HAPPEN_RELOAD:
		people_reload(w);
		break;
	case HAPPEN_CRASH:
		world_crash(w);
		break;
	case HAPPEN_STOP:
		begin_stop(w);
		break;
	case HAPPEN_JOB:
		crew_create(w, h->arg);
		break;
	case HAPPEN_JOB_CANCEL:
		crew_cancel(w, h->arg);
		break;
	case HAPPEN_SLICE:
		crew_slice(w);
		break;
	case HAPPEN_KINDS:
		break;
	}
}

/* A tick or pump that was meant for an earlier time than the one now planned has been done already. */
static bool is_stale(struct world *w, const struct happen *h)
{
	if (h->kind == HAPPEN_TICK) {
		if (h->at_ms != w->tick_at_ms)
			return true;
		w->tick_at_ms = INT64_MAX;
	}
	if (h->kind == HAPPEN_PUMP) {
		if (h->at_ms != w->pump_at_ms)
			return true;
		w->pump_at_ms = INT64_MAX;
	}
	return false;
}

static void run_until(struct world *w, int64_t until_ms)
{
	struct happen h;
	while (heap_next_ms(&w->heap) <= until_ms && heap_pop(&w->heap, &h)) {
		if (is_stale(w, &h))
			continue;
		w->now_ms = h.at_ms > w->now_ms ? h.at_ms : w->now_ms;
		if (h.kind != HAPPEN_TICK && h.kind != HAPPEN_PUMP)
			world_trace(w, "%s %" PRIu64, happening_name(h.kind), h.arg);
		world_mix(w, (uint64_t)w->now_ms * HAPPEN_KINDS + h.kind);
		happen(w, &h);
		if (h.kind != HAPPEN_PUMP)
			world_expect_pump(w);
		check_after(w);
		if (++w->steps_done > EVENTS_MAX)
			world_fail(w, "more than %d events: something spins", EVENTS_MAX);
	}
	if (w->now_ms < until_ms)
		w->now_ms = until_ms;
}

/* ---- a whole run ---- */

static void make_dir(struct world *w)
{
	(void)snprintf(w->dir, sizeof w->dir, "%s/almoner-sim-XXXXXX",
				   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(w->dir) == NULL)
		world_fail(w, "no directory for the store");
	(void)snprintf(w->path, sizeof w->path, "%s/log.db", w->dir);
}

static void remove_dir(const struct world *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char path[128];
		(void)snprintf(path, sizeof path, "%s%s", w->path, suffixes[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->dir);
}

static void live(struct world *w)
{
	people_heal(w);
	if (rng_chance(&w->rng, 50)) /* long enough for held targets to be asked again */
		run_until(w, w->now_ms + PROBES_MS);
	for (unsigned round = 0; round < HEAL_ROUNDS; round++) {
		run_until(w, w->now_ms + ROUND_MS);
		check_at_rest(w);
		if (fold_all_at_rest(w) && !w->stopping)
			return;
		people_settle(w);
		world_expect_pump(w);
	}
	check_end(w); /* names what is stuck */
	world_fail(w, "not everything came to rest after everything was mended");
}

static void world_free(struct world *w)
{
	wire_free(w);
	for (unsigned i = 0; i < SIM_PLANS; i++)
		plan_unref(w->plans[i]);
	plan_unref(w->empty);
	fold_destroy(w->fold);
	free(w->hits);
	free(w->effects);
	free(w->heap.items);
	remove_dir(w);
	free(w);
}

bool world_run(uint64_t seed, bool trace, struct marks *marks, uint64_t *ret_hash)
{
	struct world *w = mem_zalloc(sizeof *w);
	w->seed = seed;
	w->rng.state = seed * 2654435761u + 1;
	w->entropy.state = seed ^ 0x5DEECE66Du;
	w->now_ms = 1700000000000;
	w->hash = 1469598103934665603u;
	w->trace = trace;
	w->marks = marks;
	w->fold = fold_create();
	TAILQ_INIT(&w->calls);
	make_dir(w);
	people_plan(w);
	crew_plan(w);
	world_start(w);
	run_until(w, w->now_ms + SCRIPT_MS);
	live(w);
	check_end(w);
	crew_check_end(w);
	*ret_hash = w->hash;
	power_off(w);
	world_free(w);
	return true;
}
