/* Deterministic simulation: the real engine, the real journal and the real SQLite store, in virtual time,
 * against scripted connectors and sinks. One thread, one heap of events, everything from one seed.
 *
 *     heap.c    events in time          people.c  clients, operators, operators of the targets
 *     world.c   the process: start, crash, stop, pump, tick
 *     crew.c    verbs in bulk: jobs
 *     wire.c    transport and sinks     conn.c    scripted connectors, one per repeat class
 *     fold.c    the log folded by an independent reader     check.c   invariants
 *     marks.c   rare branches that must have been taken     main.c    seeds
 */
#ifndef ALMONER_SIM_SIM_H
#define ALMONER_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/engine/engine.h"
#include "saga/base/buf.h"
#include "saga/journal/journal.h"
#include "saga/store/store_sqlite.h"
#include "tests/sim/marks.h"

#define SIM_TARGETS 7
#define SIM_PLANS   10
#define SIM_STEPS   5
#define SIM_EVENTS  64
#define SIM_DONORS  4
#define SIM_JOBS    3
#define SIM_SAGAS   512 /* more than there ever are */
#define SIM_SHORT   2   /* the target that is misconfigured in some runs */

/* ---- chance ---- */

struct rng {
	uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound);
bool rng_chance(struct rng *r, unsigned percent);

/* ---- heap ---- */

enum happening {
	HAPPEN_ACCEPT,
	HAPPEN_TICK,
	HAPPEN_PUMP,
	HAPPEN_ARRIVE, /* a request reaches its sink */
	HAPPEN_DONE,   /* its verdict reaches the engine */
	HAPPEN_VERB,
	HAPPEN_TARGET,
	HAPPEN_MOOD,
	HAPPEN_RELOAD,
	HAPPEN_CRASH,
	HAPPEN_STOP,
	HAPPEN_JOB,
	HAPPEN_JOB_CANCEL,
	HAPPEN_SLICE, /* of some job that runs */
	HAPPEN_KINDS
};
const char *happening_name(enum happening h);

struct happen {
	int64_t at_ms;
	uint64_t order; /* among those of one time */
	enum happening kind;
	uint64_t arg;
};

struct heap {
	struct happen *items;
	size_t count, room;
	uint64_t order;
};
void heap_push(struct heap *h, int64_t at_ms, enum happening kind, uint64_t arg);
bool heap_pop(struct heap *h, struct happen *ret);
int64_t heap_next_ms(const struct heap *h); /* INT64_MAX: empty */
void heap_drop(struct heap *h, enum happening kind);

/* ---- targets and plans ---- */

enum mood {
	MOOD_FINE,
	MOOD_FLAKY,
	MOOD_DOWN,
	MOOD_BUSY,
	MOOD_BROKEN,
	MOOD_HANGING,
	MOOD_DENYING,
	MOOD_FORBIDDING,
	MOOD_REJECTING,
	MOOD_COUNT
};

struct sim_target {
	uint32_t id;
	char name[16];
	enum repeat repeat;
	bool two_effects;
	bool has_lane;
	struct step_rules rules;
	struct engine_target_config config;
	enum mood mood;
	unsigned template; /* changes what the connector writes */
	unsigned open_attempts;
	bool missing;     /* not configured at present */
	bool was_missing; /* … or at some time: who stood in line then had no rules and was passed */
	bool new_port;    /* the next configuration opens it anew */
};

struct sim_event {
	char id[16];
	unsigned plan;
	unsigned donor;
	bool unrouted;
	bool related;  /* speaks of the gift of another event */
	unsigned gift; /* number of that event */
	bool acked;
	int64_t saga; /* as answered */
};

/* ---- the wire ---- */

enum label { LABEL_MAIN, LABEL_CONTACT, LABEL_READ };

/* One request as the sink's history keeps it. */
struct hit {
	int64_t at_ms;
	unsigned target;
	int64_t saga;
	unsigned step;
	enum direction direction;
	uint32_t generation, attempt;
	uint32_t purpose;
	enum label label;
	bool effects;
	bool arrived;
	bool maybe; /* it may have had its effect, as far as whoever sent it can know */
	bool lost;  /* its sender died before it could note what it had sent */
	char key[33];
	uint64_t body;
	bool fresh;
};

/* What a sink remembers of one key. */
struct effect {
	char key[33];
	unsigned target;
	int64_t saga;
	unsigned step;
	enum direction direction;
	uint32_t generation;
	enum label label;
	unsigned applied; /* times it took effect */
	bool undone;
};

struct call;

/* ---- the world ---- */

struct fold;

/* Jobs: whoever carries them out, and what the log has of them. */
struct crew {
	struct rng rng;
	uint64_t planned;
	bool waits;   /* a slice is on its way */
	int64_t last; /* the job whose turn was last */
	uint8_t said[SIM_JOBS][SIM_SAGAS];
	int64_t count[SIM_JOBS];
};

struct world {
	uint64_t seed;
	struct rng rng;     /* the script */
	struct rng entropy; /* what the journal draws */
	int64_t now_ms;
	struct heap heap;
	bool trace;
	bool healing; /* the liveness phase */
	uint64_t hash;
	char dir[64];
	char path[96];

	struct engine *engine;
	struct journal *journal;
	struct store_reader reader;
	bool reader_open;
	int64_t tick_at_ms, pump_at_ms;
	bool failed; /* the journal said so */
	bool stopping;
	bool crowded; /* most steps are at two targets: `crowd` and the next */
	unsigned crowd;
	bool misconfigured; /* one target takes nothing from anybody */

	struct sim_target targets[SIM_TARGETS];
	struct plan *plans[SIM_PLANS];
	struct plan *empty;
	struct sim_event events[SIM_EVENTS];
	unsigned event_count;

	TAILQ_HEAD(, call) calls;
	uint64_t call_number;
	struct hit *hits;
	size_t hit_count, hit_room, hits_checked;
	struct effect *effects;
	size_t effect_count, effect_room;

	struct crew crew;
	struct fold *fold;
	struct marks *marks; /* of all seeds */
	unsigned steps_done; /* events handled */
};

/* world.c */
bool world_run(uint64_t seed, bool trace, struct marks *marks, uint64_t *ret_hash);
void world_wake(void *ctx);
void world_expect_pump(struct world *w);
void world_start(struct world *w);
void world_crash(struct world *w);
/* The configuration has changed: first the journal, then the engine hears of it. */
void world_reload(struct world *w);
void world_fail(const struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3) __attribute__((noreturn));
void world_trace(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void world_mix(struct world *w, uint64_t value);

/* wire.c */
struct transport wire_transport(struct world *w);
void wire_arrive(struct world *w, uint64_t number);
void wire_done(struct world *w, uint64_t number);
void wire_power_off(struct world *w); /* the process is gone; what is on the wire may still arrive */
void wire_free(struct world *w);
const struct effect *wire_effect(const struct world *w, const char *key);
unsigned wire_calls_of(const struct world *w, int64_t saga, unsigned step);

/* conn.c */
struct sim_conn;
struct connector_port conn_port(struct world *w, unsigned target);
void conn_release(void *port_ctx);
/* What the request says about itself. */
struct call_tag {
	unsigned target;
	int64_t saga;
	unsigned step;
	enum direction direction;
	uint32_t generation, attempt, purpose;
	enum label label;
	const char *key;
	uint64_t body;
};
struct call_tag conn_tag(const struct almoner_http *http);
int sim_when(void *ctx, const char *program, struct str event_json, struct str steps_json, bool *ret_true,
			 struct err *err);

/* people.c */
void people_plan(struct world *w); /* targets, routes, the whole schedule */
void people_accept(struct world *w, uint64_t number);
void people_verb(struct world *w);
void people_target(struct world *w);
void people_mood(struct world *w);
void people_reload(struct world *w);
/* The liveness phase: everything is mended. True when nothing was left to do. */
void people_heal(struct world *w);
void people_settle(struct world *w);

/* crew.c */
void crew_plan(struct world *w);
void crew_create(struct world *w, uint64_t number);
void crew_cancel(struct world *w, uint64_t job);
void crew_slice(struct world *w);
void crew_started(struct world *w); /* the process is there again: jobs go on */
void crew_record(struct world *w, int64_t saga, const struct record *r); /* a verb, as logged */
void crew_check_end(struct world *w);

/* fold.c, check.c */
struct fold *fold_create(void);
void fold_destroy(struct fold *f);
void fold_read(struct world *w);     /* the log's new rows */
void check_after(struct world *w);   /* after every event */
void check_at_rest(struct world *w); /* nothing is on its way between the parts */
void check_end(struct world *w);     /* after the liveness phase */
bool fold_all_at_rest(const struct world *w);
/* The process ends: what was sent under an open intent is not noted anywhere. */
void fold_forget_open(struct world *w);
size_t fold_saga_count(const struct world *w);

#endif
