/* One run of a seed: plans the script, handles its events in the order of their time, and at the end heals everything
 * and waits until nothing is left to do. */
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

/* ---- trace and failure ---- */

void sim_trace(struct simulation *w, const char *fmt, ...)
{
	if (!w->trace)
		return;
	va_list args;
	va_start(args, fmt);
	printf("%9" PRId64 " ", w->now_ms);
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
}

void sim_fail(const struct simulation *w, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fflush(stdout);
	fprintf(stderr, "seed %" PRIu64 ", %" PRId64 " ms, event %u: ", w->seed, w->now_ms, w->steps_done);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n(replay: sim --seed %" PRIu64 ")\n", w->seed);
	va_end(args);
	exit(1);
}

void sim_mix(struct simulation *w, uint64_t value)
{
	w->hash = (w->hash ^ value) * 1099511628211u;
	w->hash ^= w->hash >> 29;
}

/* ---- one event ---- */

static void handle_event(struct simulation *w, const struct sim_event *h)
{
	switch (h->kind) {
	case SIM_EVENT_ACCEPT:
		clients_send(w, h->arg);
		break;
	case SIM_EVENT_TICK:
		process_tick(w);
		break;
	case SIM_EVENT_PUMP:
		process_pump(w);
		break;
	case SIM_EVENT_ARRIVE:
		network_arrive(w, h->arg);
		break;
	case SIM_EVENT_DONE:
		network_done(w, h->arg);
		process_schedule_tick(w);
		break;
	case SIM_EVENT_VERB:
		environment_verb(w);
		break;
	case SIM_EVENT_TARGET:
		environment_target(w);
		break;
	case SIM_EVENT_BEHAVIOUR:
		environment_behaviour(w);
		break;
	case SIM_EVENT_RELOAD:
		environment_reload(w);
		break;
	case SIM_EVENT_CRASH:
		process_crash(w);
		break;
	case SIM_EVENT_STOP:
		process_stop(w);
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
	case SIM_EVENT_DISK:
		disk_event(w, h->arg);
		break;
	case SIM_EVENT_FAULT:
		disk_arm_fault(w, h->arg);
		break;
	case SIM_EVENT_PRESSURE:
		clients_pressure(w);
		break;
	case SIM_EVENT_KINDS:
		break;
	}
}

/* Only the tick and the pump that are planned last count: an earlier entry of the heap was replaced. */
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
			process_schedule_pump(w);
		check_after(w);
		if (++w->steps_done > EVENTS_MAX)
			sim_fail(w, "more than %d events: something repeats without end", EVENTS_MAX);
	}
	if (w->now_ms < until_ms)
		w->now_ms = until_ms;
}

/* ---- a whole run ---- */

static void make_dir(struct simulation *w)
{
	snprintf(w->dir, sizeof w->dir, "%s/almoner-sim-XXXXXX",
			 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(w->dir) == NULL)
		sim_fail(w, "no directory for the store");
	snprintf(w->path, sizeof w->path, "%s/log.db", w->dir);
	snprintf(w->inflight_path, sizeof w->inflight_path, "%s.sending", w->path);
}

static void remove_dir(const struct simulation *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".sending" };
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s%s", w->path, suffixes[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->dir);
}

static void run_script(struct simulation *w)
{
	environment_heal(w);
	if (rng_chance(&w->rng, 50)) /* long enough for held targets to get a probe */
		run_until(w, w->now_ms + PROBES_MS);
	for (unsigned round = 0; round < RECOVERY_ROUNDS; round++) {
		run_until(w, w->now_ms + ROUND_MS);
		check_at_rest(w);
		if (check_all_at_rest(w) && clients_all_acknowledged(w) && !w->stopping)
			return;
		environment_settle(w);
		process_schedule_pump(w);
	}
	check_end(w); /* prints the sagas that are stuck */
	sim_fail(w, "not every saga came to rest after everything was healed");
}

static void sim_free(struct simulation *w)
{
	network_free(w);
	vfs_fault_remove(DISK_VFS);
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
	w->disk.fault = vfs_fault_install(DISK_VFS);
	environment_plan(w);
	clients_plan(w);
	disk_plan(w);
	job_clients_plan(w);
	process_start(w);
	run_until(w, w->now_ms + SCRIPT_MS);
	run_script(w);
	check_end(w);
	clients_check_end(w);
	job_clients_check_end(w);
	*ret_hash = w->hash;
	process_end(w);
	sim_free(w);
	return true;
}
