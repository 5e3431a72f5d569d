/* Deterministic simulation: a real cell (journal, engine, in-flight file) on the real SQLite store, in virtual time,
 * against scripted connectors and sinks. One thread, one heap of events, everything from one seed. README.md lists
 * the files in reading order. */
#ifndef ALMONER_SIM_SIM_H
#define ALMONER_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/cell/cell.h"
#include "gateway/cell/cell_ports.h"
#include "gateway/cell/command.h"
#include "saga/base/buf.h"
#include "saga/journal/state/inflight.h"
#include "saga/store/store_sqlite.h"
#include "tests/sim/coverage_points.h"
#include "tests/sim/disk.h"

#define SIM_TARGETS   7
#define SIM_PLANS     10
#define SIM_STEPS     5
#define SIM_EVENTS    64
#define SIM_DONORS    4
#define SIM_JOBS      3
#define SIM_SAGAS     512 /* more than a run can have */
#define SIM_SHORT_TTL 2   /* the target that is misconfigured in some runs */

/* ---- random numbers ---- */

struct rng {
	uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound);
bool rng_chance(struct rng *r, unsigned percent);

/* ---- heap ---- */

enum sim_event_kind {
	SIM_EVENT_ACCEPT,
	SIM_EVENT_TICK,
	SIM_EVENT_PUMP,
	SIM_EVENT_ARRIVE, /* a request reaches its sink */
	SIM_EVENT_DONE,   /* the result of a request reaches the engine */
	SIM_EVENT_VERB,
	SIM_EVENT_TARGET,
	SIM_EVENT_BEHAVIOUR,
	SIM_EVENT_RELOAD,
	SIM_EVENT_CRASH,
	SIM_EVENT_STOP,
	SIM_EVENT_JOB,
	SIM_EVENT_JOB_CANCEL,
	SIM_EVENT_SLICE, /* of one of the running jobs */
	SIM_EVENT_DISK,
	SIM_EVENT_FAULT,
	SIM_EVENT_PRESSURE,
	SIM_EVENT_KINDS
};
const char *sim_event_kind_name(enum sim_event_kind kind);

struct sim_event {
	int64_t at_ms;
	uint64_t order; /* decides between events of the same time */
	enum sim_event_kind kind;
	uint64_t arg;
};

struct heap {
	struct sim_event *items;
	size_t count, capacity;
	uint64_t order;
};
void heap_push(struct heap *h, int64_t at_ms, enum sim_event_kind kind, uint64_t arg);
bool heap_pop(struct heap *h, struct sim_event *ret);
int64_t heap_next_ms(const struct heap *h); /* INT64_MAX: empty */
void heap_drop(struct heap *h, enum sim_event_kind kind);

/* ---- targets and plans ---- */

enum target_behaviour {
	BEHAVIOUR_FINE,
	BEHAVIOUR_FLAKY,
	BEHAVIOUR_DOWN,
	BEHAVIOUR_BUSY,
	BEHAVIOUR_BROKEN,
	BEHAVIOUR_HANGING,
	BEHAVIOUR_DENYING,
	BEHAVIOUR_FORBIDDING,
	BEHAVIOUR_REJECTING,
	BEHAVIOUR_COUNT
};

struct sim_target {
	uint32_t id;
	char name[16];
	enum repeat repeat;
	bool two_effects;
	bool has_lane;
	struct step_rules rules;
	struct engine_target_config config;
	enum target_behaviour behaviour;
	unsigned template; /* version of the template: changes the body that the connector writes */
	unsigned open_attempts;
	bool missing;          /* not configured at present */
	bool was_ever_missing; /* it was missing at some time: sagas in its lanes were then passed */
	bool new_port;         /* the next configuration opens a new connector */
};

struct source_event {
	char id[16];
	unsigned plan;
	unsigned donor;
	bool unrouted;
	bool related;  /* it belongs to the gift of another event */
	unsigned gift; /* number of the event that has the gift */
	bool acked;
	bool failed;  /* was answered with an error of the disk */
	int64_t saga; /* of the acknowledgement */
};

/* ---- requests and effects ---- */

enum request_label { LABEL_MAIN, LABEL_CONTACT, LABEL_READ };

/* One request as the sink's history keeps it. */
struct sink_request {
	int64_t at_ms;
	unsigned target;
	int64_t saga;
	unsigned step;
	enum direction direction;
	uint32_t generation, attempt;
	uint32_t purpose;
	enum request_label label;
	bool effects;
	bool arrived;
	bool possible_effect; /* its sender cannot exclude that it took effect */
	uint32_t process;     /* number of the process that sent it */
	bool cut;             /* `process` ended before the attempt's outcome was in the log */
	bool lost;            /* cut, and the in-flight file was lost as well */
	uint8_t digest[INFLIGHT_BODY_BYTES];
	char key[33];
	uint64_t body;
	bool fresh;
};

/* What a sink remembers of one key. */
struct sink_effect {
	char key[33];
	unsigned target;
	int64_t saga;
	unsigned step;
	enum direction direction;
	uint32_t generation;
	enum request_label label;
	unsigned applied; /* times it took effect */
	bool undone;
};

struct sim_request;

/* ---- the simulation ---- */

struct log_replay;

/* The clients of jobs, and the verbs of jobs that were found in the log. */
struct job_clients {
	struct rng rng;
	uint64_t planned;
	bool waits;   /* a slice waits for its answer */
	int64_t last; /* the job that had the last slice */
	uint8_t applied_verbs[SIM_JOBS][SIM_SAGAS];
	int64_t count[SIM_JOBS];
};

TAILQ_HEAD(acceptance_list, acceptance);

/* The senders of events, and the limits that they meet. */
struct clients {
	struct rng rng;
	struct acceptance_list waiting;                        /* for an answer */
	size_t queue_records, queue_bytes, window_total_bytes; /* 0: the default */
	size_t slots;                                          /* free at a fast target, during pressure */
	int64_t pressure_until_ms;
	int64_t held_since_ms; /* since when no slot is free; 0: some are */
	int64_t was_waiting;   /* accepts in the queue after the last turn */
};

struct simulation {
	uint64_t seed;
	struct rng rng;     /* draws the script */
	struct rng entropy; /* for the journal */
	int64_t now_ms;
	struct heap heap;
	bool trace;
	bool recovering; /* the last phase: nothing fails any more */
	uint64_t hash;
	char dir[64];
	char path[96];
	char inflight_path[112];
	uint32_t
		process; /* number of the cell that runs: grows with each process, and when a lost cell is made again */

	struct cell *cell; /* NULL: the process ends */
	struct disk disk;
	struct rng disk_rng;
	struct clients clients;
	struct store_reader reader;
	bool reader_open;
	int64_t tick_at_ms, pump_at_ms;
	bool failed; /* the journal has reported a failure: the process must end, or with ERR_LOST the cell */
	bool stopping;
	bool sprint;           /* two targets that answer at once, and all events within a moment */
	bool two_busy_targets; /* most steps are at two targets: `busy_target` and the next one */
	unsigned busy_target;
	bool misconfigured; /* one target rejects every request */

	struct sim_target targets[SIM_TARGETS];
	struct plan *plans[SIM_PLANS];
	struct plan *empty;
	struct source_event events[SIM_EVENTS];
	unsigned event_count;

	TAILQ_HEAD(, sim_request) requests;
	uint64_t request_number;
	struct sink_request *sink_requests;
	size_t sink_request_count, sink_request_capacity, sink_requests_checked;
	struct sink_effect *effects;
	size_t effect_count, effect_capacity;

	struct job_clients job_clients;
	struct log_replay *log_replay;
	struct coverage *coverage; /* of all seeds */
	unsigned steps_done;       /* events handled */
};

/* simulation.c */
bool sim_run(uint64_t seed, bool trace, struct coverage *coverage, uint64_t *ret_hash);
void sim_fail(const struct simulation *w, const char *fmt, ...) PRINTF_LIKE(2, 3) __attribute__((noreturn));
void sim_trace(struct simulation *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sim_mix(struct simulation *w, uint64_t value);

/* process.c */
void process_start(struct simulation *w);
void process_end(struct simulation *w);
void process_crash(struct simulation *w);
void process_stop(
	struct simulation *w); /* begins the drain; a later tick ends the process and starts the next */
/* The configuration has changed: the journal gets it first, then the engine. */
void process_reload(struct simulation *w);
void process_tick(struct simulation *w);
void process_pump(struct simulation *w);
void process_wake(void *ctx);
void process_schedule_tick(struct simulation *w); /* now */
void process_schedule_pump(struct simulation *w); /* soon */
/* The figures; the caller calls journal_counts_finish. */
struct journal_counts process_counts(const struct simulation *w);

/* clients.c */
void clients_plan(struct simulation *w);
void clients_send(struct simulation *w, uint64_t number); /* SIM_EVENT_ACCEPT */
void clients_pressure(struct simulation *w);              /* SIM_EVENT_PRESSURE */
size_t clients_start_capacity(void *ctx);                 /* the journal's hook */
int64_t clients_after_turn(struct simulation *w);
void clients_process_begins(struct simulation *w);
void clients_check(struct simulation *w);
bool clients_all_acknowledged(const struct simulation *w);
void clients_check_end(struct simulation *w);

/* inflight_check.c */
void inflight_check_power_cut(struct simulation *w);
/* When a process begins: what the last one left. */
void inflight_check(struct simulation *w, const struct inflight_file *file);

/* network.c */
struct transport network_transport(struct simulation *w);
void network_arrive(struct simulation *w, uint64_t number);
void network_done(struct simulation *w, uint64_t number);
void network_power_off(struct simulation *w); /* the process has ended; requests under way may still arrive */
void network_free(struct simulation *w);
const struct sink_effect *network_effect(const struct simulation *w, const char *key);
unsigned network_calls_of(const struct simulation *w, int64_t saga, unsigned step);

/* sim_connector.c */
struct sim_attempt;
struct connector_port sim_connector_port(struct simulation *w, unsigned target);
void sim_connector_release(void *port_ctx);
/* What a request is for. */
struct request_tag {
	unsigned target;
	int64_t saga;
	unsigned step;
	enum direction direction;
	uint32_t generation, attempt, purpose;
	enum request_label label;
	const char *key;
	uint64_t body;
};
struct request_tag sim_connector_tag(const struct almoner_http *http);
int sim_condition(void *ctx, const char *program, struct str event_json, struct str steps_json,
				  bool *ret_true, struct err *err);

/* environment.c */
void environment_plan(struct simulation *w); /* targets, routes, the whole schedule */
void environment_verb(struct simulation *w);
void environment_target(struct simulation *w);
void environment_behaviour(struct simulation *w);
void environment_reload(struct simulation *w);
void environment_between_processes(struct simulation *w);
/* The last phase: every target and the disk work again. environment_settle gives the verbs that operators would give
 * to steps in attention. */
void environment_heal(struct simulation *w);
void environment_settle(struct simulation *w);

/* job_clients.c */
void job_clients_plan(struct simulation *w);
void job_clients_create(struct simulation *w, uint64_t number);
void job_clients_cancel(struct simulation *w, uint64_t job);
void job_clients_slice(struct simulation *w);
void job_clients_started(struct simulation *w); /* a process has started: jobs continue */
void job_clients_record(struct simulation *w, int64_t saga, const struct record *r); /* a record of a verb */
void job_clients_check_end(struct simulation *w);

/* log_replay.c, check.c */
struct log_replay *log_replay_create(void);
void log_replay_destroy(struct log_replay *f);
void log_replay_read(struct simulation *w); /* reads the new rows of the log */
void check_after(struct simulation *w);     /* after every event */
void check_at_rest(struct simulation *w);   /* when engine and journal have nothing to exchange */
void check_end(struct simulation *w);       /* after the liveness phase */
bool check_all_at_rest(const struct simulation *w);
/* The process ends: marks the requests of attempts whose outcome is not in the log. */
void log_replay_mark_cut(struct simulation *w, bool digests_lost);
size_t log_replay_saga_count(const struct simulation *w);

#endif
