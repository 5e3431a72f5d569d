/* The process: engine, journal and store as the daemon wires them, with its start, its crash, its end after a
 * failed disk, its clean stop, and the turns of its two threads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

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

void process_schedule_tick(struct simulation *w)
{
	schedule_tick(w, w->now_ms);
}

void process_wake(void *ctx)
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

void process_schedule_pump(struct simulation *w)
{
	uint64_t slowest_ms = w->sprint ? 2 : rng_chance(&w->rng, 20) ? 60 : 4; /* a disk may take a while */
	schedule_pump_at(w, w->now_ms + (int64_t)rng_below(&w->rng, slowest_ms));
}

static void log_line(void *ctx, enum engine_log_level level, const char *target, const char *text)
{
	(void)level;
	sim_trace(ctx, "  log: %s: %s", target, text);
}

/* The journal writes nothing more: the daemon ends, and so does the process here (see process_pump). */
static void failed(void *ctx, const struct err *err)
{
	struct simulation *w = ctx;
	sim_trace(w, "  the journal failed: %s", err->text);
	if (!disk_has_failed(w))
		sim_fail(w, "the journal failed: %s", err->text);
	coverage_point_hit(w->coverage, w->disk.fault->system_error == ENOSPC ? COVER_DISK_FULL
									: w->disk.fault->fail == VFS_SYNC     ? COVER_SYNC_FAILED
																		  : COVER_WRITE_FAILED);
	w->failed = true;
}

static bool window_is_full(const struct simulation *w, uint32_t target, size_t bytes)
{
	struct engine_target_status s[SIM_TARGETS];
	size_t total = 0, of_target = 0, cap = 0;
	size_t count = engine_status(w->engine, 0, s, SIM_TARGETS);
	for (size_t i = 0; i < count; i++) {
		total += s[i].window_bytes;
		of_target = s[i].id == target ? s[i].window_bytes : of_target;
	}
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		cap = w->targets[i].id == target ? w->targets[i].config.window_bytes : cap;
	return (cap > 0 && of_target + bytes > cap) ||
		   (w->clients.window_total_bytes > 0 && total + bytes > w->clients.window_total_bytes);
}

static enum admission admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	struct simulation *w = ctx;
	enum admission verdict = engine_admit(w->engine, target, bytes, may_start_in_commit);
	coverage_point_hit(w->coverage, verdict == ADMISSION_SLOT     ? COVER_STARTED_IN_COMMIT
									: verdict == ADMISSION_WINDOW ? COVER_WINDOW
																  : COVER_DISK);
	if (verdict == ADMISSION_DISK && window_is_full(w, target, bytes))
		coverage_point_hit(w->coverage, COVER_WINDOW_FULL);
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
			coverage_point_hit(w->coverage, w->disk.low_all_turn ? COVER_START_DISK_LOW : COVER_GONE);
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
	(void)targets;
	if (count > 0) /* none: the commit failed, and the process ends */
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

void process_reload(struct simulation *w)
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

static int open_store(struct simulation *w, struct store_writer *store, struct err *err)
{
	struct store_sqlite_options options = { .vfs = DISK_VFS };
	int rc = store_sqlite_open(w->path, &options, store, err);
	if (rc == 0)
		disk_attach(w, store);
	return rc;
}

static int try_open_journal(struct simulation *w, struct err *err)
{
	struct journal_target targets[SIM_TARGETS];
	size_t count = list_targets(w, targets);
	struct journal_options options = { .check_every = 1,
									   .clock = { w, now, now },
									   .entropy = { w, below },
									   .hooks = { .ctx = w,
												  .admission = admit,
												  .hand_out = deliver,
												  .failed = failed,
												  .disk = disk_on_news,
												  .start_capacity = clients_start_capacity },
									   .targets = targets,
									   .target_count = count,
									   .queue_records = w->clients.queue_records,
									   .queue_bytes = w->clients.queue_bytes,
									   .reserve_bytes = w->disk.reserve_bytes,
									   .actor = "simulation" };
	int rc = open_store(w, &options.store, err);
	if (rc != 0)
		return rc;
	if (inflight_open(w->inflight_path, &options.inflight, err) != 0)
		sim_fail(w, "the in-flight file: %s", err->text);
	inflight_check(w, options.inflight);
	rc = journal_create(&options, &w->journal, err);
	if (rc != 0) {
		inflight_close(options.inflight);
		return rc;
	}
	w->inflight = options.inflight;
	copy_target_ids(w, targets, count);
	return 0;
}

/* A start that meets a broken disk fails, and the next one, after the disk was replaced, finds everything. */
static void open_journal(struct simulation *w)
{
	struct err err = { 0 };
	while (try_open_journal(w, &err) != 0) {
		if (!disk_has_failed(w))
			sim_fail(w, "the start failed: %s", err.text);
		sim_trace(w, "  the start failed: %s", err.text);
		coverage_point_hit(w->coverage, COVER_START_FAILED);
		disk_replace(w);
	}
	w->process++;
	if (store_sqlite_open_reader(w->path, NULL, &w->reader, &err) != 0)
		sim_fail(w, "reader: %s", err.text);
	w->reader_open = true;
}

void process_start(struct simulation *w)
{
	struct engine_options options = { .clock = { w, now, now },
									  .transport = network_transport(w),
									  .when = { w, sim_condition },
									  .log = { w, log_line },
									  .wake_ctx = w,
									  .wake = process_wake,
									  .window_total_bytes = w->clients.window_total_bytes };
	w->tick_at_ms = w->pump_at_ms = INT64_MAX;
	w->stopping = w->failed = false;
	disk_process_begins(w);
	clients_process_begins(w);
	w->engine = engine_create(&options);
	open_journal(w);
	engine_set_journal(w->engine, w->journal);
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		w->targets[i].new_port = true;
	apply_targets(w);
	process_schedule_pump(w);
	log_replay_read(w);
	job_clients_started(w);
}

/* `digests_lost`: the in-flight file is gone. */
static void end_process(struct simulation *w, bool digests_lost)
{
	struct journal *journal = w->journal;
	w->journal = NULL;
	log_replay_mark_cut(w, digests_lost);
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
	inflight_close(w->inflight);
	if (digests_lost)
		inflight_check_power_cut(w);
	w->inflight = NULL;
	w->engine = NULL;
	heap_drop(&w->heap, SIM_EVENT_TICK);
	heap_drop(&w->heap, SIM_EVENT_PUMP);
	network_power_off(w);
}

void process_end(struct simulation *w)
{
	end_process(w, false);
}

void process_crash(struct simulation *w)
{
	bool running = false;
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		running |= w->targets[i].open_attempts > 0;
	coverage_point_hit(w->coverage, running ? COVER_CRASH_RUNNING : COVER_CRASH_IDLE);
	end_process(w, rng_chance(&w->rng, 15));
	w->now_ms += (int64_t)rng_below(&w->rng, 300);
	environment_between_processes(w);
	process_start(w);
}

/* The drain is over: every outcome was reported to the journal, and the process ends. */
static void stop_now(struct simulation *w)
{
	disk_turn_begins(w);
	journal_stop(w->journal, "stopped by a signal");
	log_replay_read(w);
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (w->targets[i].open_attempts > 0)
			sim_fail(w, "%s: attempts are open after the drain", w->targets[i].name);
	}
	coverage_point_hit(w->coverage, COVER_STOPPED);
	end_process(w, false);
	process_start(w);
}

/* ---- one event ---- */

void process_tick(struct simulation *w)
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

void process_pump(struct simulation *w)
{
	disk_turn_begins(w);
	int handled = journal_pump(w->journal);
	if (handled < 0 && w->failed) {
		end_process(w, false);
		environment_between_processes(w);
		process_start(w);
		return;
	}
	if (handled < 0)
		sim_fail(w, "pump: %d", handled);
	if (handled > 0)
		process_schedule_pump(w);
	int64_t due = clients_after_turn(w);
	if (due < INT64_MAX)
		schedule_pump_at(w, due);
	due = journal_idle_due_ms(w->journal);
	if (due < INT64_MAX)
		schedule_pump_at(w, due > w->now_ms ? due : w->now_ms + 1);
}

void process_stop(struct simulation *w)
{
	if (w->stopping)
		return;
	w->stopping = true;
	engine_drain(w->engine, (int64_t)rng_below(&w->rng, 400));
	schedule_tick(w, w->now_ms);
}
