/* The process: one cell (gateway/cell), as in the daemon, on a store in virtual time. Its start, its crash, its end
 * after a failed disk, its clean stop, the loss of its cell, and the turns of the cell's two threads. */
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

/* The journal writes nothing more. After ERR_LOST the process makes the cell again, else it ends: see
 * process_pump. */
static void failed(void *ctx, const struct err *err)
{
	struct simulation *w = ctx;
	sim_trace(w, "  the journal failed: %s", err->text);
	w->failed = true;
	if ((err->code == ERR_LOST) != w->disk.lost)
		sim_fail(w, "the journal failed with code %d: %s", err->code, err->text);
	if (w->disk.lost)
		return;
	if (!disk_has_failed(w))
		sim_fail(w, "the journal failed: %s", err->text);
	coverage_point_hit(w->coverage, w->disk.fault->system_error == ENOSPC ? COVER_DISK_FULL
									: w->disk.fault->fail == VFS_SYNC     ? COVER_SYNC_FAILED
																		  : COVER_WRITE_FAILED);
}

struct journal_counts process_counts(const struct simulation *w)
{
	struct journal_counts counts;
	if (!cell_counts(w->cell, &counts))
		sim_fail(w, "there is no cell");
	return counts;
}

static bool window_is_full(const struct simulation *w, uint32_t target, size_t bytes)
{
	struct engine_target_status s[SIM_TARGETS];
	size_t total = 0, of_target = 0, cap = 0;
	size_t count = cell_target_status(w->cell, 0, s, SIM_TARGETS);
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
	enum admission verdict = engine_admit(cell_engine(w->cell), target, bytes, may_start_in_commit);
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
	engine_deliver(cell_engine(w->cell), delivery);
}

/* ---- the cell, and the process around it ---- */

/* A target with new settings gets a new port. While the cell ends, its engine needs none, and the next cell gets
 * ports of its own. */
static void apply_targets(struct simulation *w)
{
	struct engine_target_config configs[SIM_TARGETS];
	void *ports[SIM_TARGETS];
	size_t count = 0, port_count = 0;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		struct sim_target *t = &w->targets[i];
		if (t->missing)
			continue;
		if (t->new_port) {
			t->config.port = sim_connector_port(w, i);
			t->config.digest[0]++;
			ports[port_count++] = t->config.port.ctx;
		}
		t->new_port = false;
		t->config.id = t->id;
		configs[count++] = t->config;
	}
	if (cell_set_targets(w->cell, configs, count) == 0)
		return;
	for (size_t i = 0; i < port_count; i++)
		sim_connector_release(ports[i]);
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
	if (cell_set_rules(w->cell, targets, count, w, targets_adopted) != 0)
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

static struct inflight_file *open_inflight(struct simulation *w)
{
	struct inflight_file *file = NULL;
	struct err err;
	if (inflight_open(w->inflight_path, &file, &err) != 0)
		sim_fail(w, "the in-flight file: %s", err.text);
	inflight_check(w, file);
	return file;
}

static int try_make_cell(struct simulation *w, struct err *err)
{
	struct journal_target targets[SIM_TARGETS];
	size_t count = list_targets(w, targets);
	struct cell_options options = { .journal = { .check_every = 1,
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
												 /* so short that sagas under way fall behind it */
												 .low_mark_span = 2 + (int64_t)(w->seed % 40),
												 .actor = "simulation" },
									.engine = { .clock = { w, now, now },
												.transport = network_transport(w),
												.when = { w, sim_condition },
												.log = { w, log_line },
												.wake_ctx = w,
												.wake = process_wake,
												.window_total_bytes = w->clients.window_total_bytes } };
	int rc = open_store(w, &options.journal.store, err);
	if (rc != 0)
		return rc;
	options.journal.inflight = open_inflight(w);
	rc = cell_make(w->cell, &options, err);
	if (rc == 0)
		copy_target_ids(w, targets, count);
	return rc;
}

/* A start that meets a broken disk fails, and the next one, after the disk was replaced, finds everything. */
static void make_cell(struct simulation *w)
{
	struct err err = { 0 };
	w->tick_at_ms = w->pump_at_ms = INT64_MAX;
	w->stopping = w->failed = false;
	disk_process_begins(w);
	clients_process_begins(w);
	while (try_make_cell(w, &err) != 0) {
		if (!disk_has_failed(w) && err.code != ERR_LOST)
			sim_fail(w, "the start failed: %s", err.text);
		sim_trace(w, "  the start failed: %s", err.text);
		coverage_point_hit(w->coverage, COVER_START_FAILED);
		disk_replace(w);
	}
	if (cell_serve(w->cell, &err) != 0)
		sim_fail(w, "the cell does not serve: %s", err.text);
	w->process++;
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		w->targets[i].new_port = true;
	apply_targets(w);
	process_schedule_pump(w);
}

void process_start(struct simulation *w)
{
	struct err err;
	w->cell = cell_create();
	make_cell(w);
	if (store_sqlite_open_reader(w->path, NULL, &w->reader, &err) != 0)
		sim_fail(w, "reader: %s", err.text);
	w->reader_open = true;
	log_replay_read(w);
	job_clients_started(w);
}

static void forget_turns(struct simulation *w)
{
	heap_drop(&w->heap, SIM_EVENT_TICK);
	heap_drop(&w->heap, SIM_EVENT_PUMP);
}

/* `digests_lost`: the in-flight file is gone. */
static void end_process(struct simulation *w, bool digests_lost)
{
	struct cell *cell = w->cell;
	w->cell = NULL;
	log_replay_mark_cut(w, digests_lost);
	if (w->reader_open)
		w->reader.close(w->reader.ctx);
	w->reader_open = false;
	cell_destroy(cell); /* a crash, unless the cell has ended before */
	if (digests_lost)
		inflight_check_power_cut(w);
	forget_turns(w);
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
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (w->targets[i].open_attempts > 0)
			sim_fail(w, "%s: attempts are open after the drain", w->targets[i].name);
	}
	cell_end(w->cell, "stopped by a signal");
	log_replay_read(w);
	coverage_point_hit(w->coverage, COVER_STOPPED);
	end_process(w, false);
	process_start(w);
}

/* The store is open elsewhere now, as it were, and comes back: the cell is made again, and the process lives on. */
static void make_lost_cell_anew(struct simulation *w)
{
	log_replay_mark_cut(w, false);
	cell_end(w->cell, "lost");
	forget_turns(w);
	make_cell(w);
	log_replay_read(w);
	job_clients_started(w);
}

/* The journal has failed in a commit. The engine's last turn cancels what is under way. */
static void end_failed_cell(struct simulation *w)
{
	bool running = false;
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		running |= w->targets[i].open_attempts > 0;
	cell_turn(w->cell);
	if (!cell_is_over(w->cell))
		sim_fail(w, "the cell is lost and goes on");
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (w->targets[i].open_attempts > 0)
			sim_fail(w, "%s: attempts are open in a lost cell", w->targets[i].name);
	}
	if (w->disk.lost && !w->stopping) {
		coverage_point_hit(w->coverage, running ? COVER_LOST_RUNNING : COVER_LOST_IDLE);
		make_lost_cell_anew(w);
		return;
	}
	cell_end(w->cell, "the store failed");
	end_process(w, false);
	environment_between_processes(w);
	process_start(w);
}

/* ---- one event ---- */

void process_tick(struct simulation *w)
{
	cell_turn(w->cell);
	if (cell_is_over(w->cell)) {
		stop_now(w);
		return;
	}
	int64_t next = cell_next_ms(w->cell);
	if (next >= 0)
		schedule_tick(w, w->now_ms + (next > 0 ? next : 1));
	else if (w->stopping)
		schedule_tick(w, w->now_ms + 5);
}

void process_pump(struct simulation *w)
{
	disk_turn_begins(w);
	int handled = cell_pump(w->cell);
	if (handled < 0 && w->failed) {
		end_failed_cell(w);
		return;
	}
	if (handled < 0)
		sim_fail(w, "pump: %d", handled);
	if (handled > 0)
		process_schedule_pump(w);
	int64_t due = clients_after_turn(w);
	if (due < INT64_MAX)
		schedule_pump_at(w, due);
	due = cell_idle_due_ms(w->cell);
	if (due < INT64_MAX)
		schedule_pump_at(w, due > w->now_ms ? due : w->now_ms + 1);
}

void process_stop(struct simulation *w)
{
	if (w->stopping)
		return;
	w->stopping = true;
	cell_drain(w->cell, (int64_t)rng_below(&w->rng, 400));
	schedule_tick(w, w->now_ms);
}
