/* The state of all sagas as an independent reader computes it from the records of the log, without the code of
 * saga/model. */
#ifndef ALMONER_TESTS_SIM_LOG_REPLAY_H
#define ALMONER_TESTS_SIM_LOG_REPLAY_H

#include "tests/sim/sim.h"

struct replay_step {
	uint8_t state, direction, reason, skip;
	uint32_t generation, attempt;
	unsigned target;
	bool has_lane;
	uint8_t lane[LANE_BYTES];
	bool open;            /* an intent has no outcome yet */
	bool lookup;          /* the open intent is for a look-up */
	bool possible_effect; /* the do may have taken effect */
	bool took_effect;
	uint32_t ok_generation[2]; /* by direction: the last generation that succeeded; 0: none */
	bool waited_in_lane;
	bool started; /* this commit has an intent of the step */
	bool moved;   /* this commit has any record of the step */
	bool blocked; /* later events waited for it when the commit began */
};

struct replay_saga {
	int64_t id;
	const struct plan *plan; /* NULL: no steps */
	uint8_t state, reason;
	bool compensating;
	unsigned verbs; /* of operators, so far */
	unsigned verbs_at_rest;
	bool verb_now; /* this commit has a verb */
	bool new_now;
	bool touched; /* this commit has a record of the saga */
	bool stale;   /* its rows were not compared with the log yet */
	struct replay_step steps[SIM_STEPS];
};

struct log_replay {
	struct replay_saga **sagas; /* by id - 1 */
	size_t count, capacity;
	int64_t last_number, commit, commits_seen;
	int64_t accepted, related;
	uint8_t breaker[SIM_TARGETS];      /* enum breaker_state, by the log */
	bool left_not_closed[SIM_TARGETS]; /* the last process ended with an open breaker */
	/* for the invariants of requests */
	bool open_before[SIM_TARGETS];
	uint32_t window_before[SIM_TARGETS];
	uint32_t limit_seen[SIM_TARGETS];
};

struct replay_saga *log_replay_find(const struct log_replay *f, int64_t id);

/* rules.c: what may follow what, record by record and commit by commit */
void rules_intent(struct simulation *w, struct replay_saga *s, unsigned i, const struct record *r);
void rules_commit(struct simulation *w, bool latest);
/* log_replay_coverage.c */
void log_replay_cover(struct simulation *w, const struct replay_saga *s, const struct record *r);
void log_replay_reset_breakers(struct simulation *w);
void log_replay_cover_target(struct simulation *w, int64_t id, const struct record *r);

#endif
