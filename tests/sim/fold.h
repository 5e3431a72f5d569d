/* The log as an independent reader understands it: from the records alone, not from the model's code. */
#ifndef ALMONER_SIM_FOLD_H
#define ALMONER_SIM_FOLD_H

#include "tests/sim/sim.h"

struct fold_step {
	uint8_t state, direction, reason, skip;
	uint32_t generation, attempt;
	unsigned target;
	bool has_lane;
	uint8_t lane[LANE_BYTES];
	bool open;   /* an intent without its end */
	bool lookup; /* … for a look-up */
	bool maybe;  /* the do may have taken effect */
	bool did;
	uint32_t ok_generation[2]; /* by direction: the last one that ended well; 0: none */
	bool waited_in_lane;
	bool started; /* an intent in this commit */
	bool moved;   /* any record in this commit */
	bool blocked; /* later events waited for it when the commit began */
};

struct fold_saga {
	int64_t id;
	const struct plan *plan; /* NULL: no steps */
	uint8_t state, reason;
	bool compensating;
	unsigned verbs; /* what people said */
	unsigned verbs_at_rest;
	bool verb_now; /* in this commit */
	bool new_now;
	bool touched; /* … by this commit */
	bool stale;   /* its rows have to be compared */
	struct fold_step steps[SIM_STEPS];
};

struct fold {
	struct fold_saga **sagas; /* by id - 1 */
	size_t count, room;
	int64_t last_number, commit, rows_seen;
	int64_t accepted, related;
	uint8_t breaker[SIM_TARGETS]; /* enum breaker_state, as noted in the log */
	bool left_away[SIM_TARGETS];  /* from closed, by the process before */
	/* for invariants on the wire */
	bool open_before[SIM_TARGETS];
	uint32_t window_before[SIM_TARGETS];
	uint32_t limit_seen[SIM_TARGETS];
};

struct fold_saga *fold_find(const struct fold *f, int64_t id);

/* rules.c: what may follow what, record by record and commit by commit */
void rules_intent(struct world *w, struct fold_saga *s, unsigned i, const struct record *r);
void rules_commit(struct world *w, bool latest);
/* fold_marks.c */
void fold_mark(struct world *w, const struct fold_saga *s, const struct record *r);
void fold_breakers_anew(struct world *w);
void fold_mark_target(struct world *w, int64_t id, const struct record *r);

#endif
