/* A saga: what happened to one accepted event at its targets, and what still has to happen. A saga is a plain
 * value that fits into one small stored blob. Only the functions of saga/model/decide.h change it. Not
 * locked: one thread owns a saga. */
#ifndef ALMONER_MODEL_SAGA_H
#define ALMONER_MODEL_SAGA_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/model/plan.h"
#include "saga/model/saga_rows.h"
#include "saga/model/state.h"

#define LANE_BYTES 16 /* the first half of a SHA-256 digest of the ordering key */

/* Where the journal finds this step again when it can go on. The journal sets it; the decisions do not look
 * at it. */
enum location {
	/* neither the engine nor a row has the step: it waits, needs an operator, has ended, or its saga is
	 * paused */
	LOCATION_NONE = 0,
	LOCATION_ENGINE = 1, /* the engine has the step in memory: running, or ready to start */
	LOCATION_DISK = 2    /* the step has a row of its own in the store, found by index */
};

struct step {
	uint8_t state;     /* enum step_state */
	uint8_t why;       /* enum why: what the step waits for; NONE only when the step has ended */
	uint8_t direction; /* enum direction */
	uint8_t reason;    /* enum reason; NONE unless in attention */
	uint8_t skip;      /* enum skip; NONE unless skipped */
	uint8_t last;      /* enum outcome_class of the last attempt; NONE before the first */
	uint8_t location;  /* enum location */
	/* A request of this generation and direction may have taken effect, and it is not known whether it
	 * did. */
	bool effect_possible;
	bool lookup_first; /* the next attempt begins with a look-up */
	bool took_effect;  /* the do took effect, or an operator said so; stays true when it is undone */
	bool has_lane;
	bool has_body;
	/* An operator ended it (resolve, skip). While it has not ended: an operator asked for it (redo), so it
	 * does not expire. */
	bool by_operator;
	bool condition_passed; /* `when` was evaluated and gave true */
	/* An earlier generation may have taken effect: it was in doubt when an operator chose redo. */
	bool doubt_before;
	uint32_t generation;    /* the generation, from 1 in each direction; redo begins a new one */
	uint32_t do_generation; /* in direction undo: the last generation of the do, if that was not 1; else 0 */
	uint32_t attempts;      /* attempts begun in this generation; also the number of its last attempt */
	uint32_t spent;         /* how many of the attempts count against `attempts` of the retry policy */
	uint32_t waits;         /* number of waits planned so far: it gives the length of the next one */
	/* state ready: since when; retry_wait: not before. Steady clock (saga/base/clock.h) */
	int64_t due_ms;
	int64_t
		/* the time of attempts and planned waits, which counts towards giving up; holds and pauses do not */
		waited_ms;
	/* Begin of the first attempt that may have taken effect; 0: none. From then on keyed(ttl) counts its
	 * time. */
	int64_t effect_possible_ms;
	int64_t last_ms;          /* when the last outcome was recorded; 0: never */
	int64_t begun_ms;         /* when the last intent was recorded; 0: never */
	uint8_t lane[LANE_BYTES]; /* if has_lane: digest of the step's ordering key */
	uint8_t body[16];         /* if has_body: digest of the request bytes of this generation */
	/* one line about the last outcome of the step; NULL: none. Personal data: can be forgotten */
	char *detail;
	char *result;     /* what the do gave, a JSON object (id, url, outputs); NULL: none */
	char *checkpoint; /* bytes of the connector between two exchanges; NULL: none */
	uint32_t checkpoint_len;
};

struct saga {
	int64_t id;
	struct plan *plan; /* owns a reference */
	uint8_t state;     /* enum saga_state; always what saga_derive_state() gives */
	uint8_t reason;    /* enum reason; in attention: that of the first such step, or own_reason. Else NONE */
	bool paused;
	bool cancelled;
	bool compensating;  /* the effects of the saga are being undone, or have been undone */
	bool unrouted;      /* no route took the event: the saga has no steps */
	uint8_t own_reason; /* why the saga has no steps: QUARANTINED or GIFT_MISSING; else NONE */
	int64_t created_ms;
	int64_t finished_ms; /* when the saga last came to rest; 0: never */
	char *source;
	char *event_id;
	char *type;
	char *gift;  /* "" for none */
	char *donor; /* "" for none. Personal data: can be forgotten */
	/* why the event is quarantined or gift_missing, else "". Personal data: can be forgotten */
	char *note;
	struct saga_rows rows; /* numbers of the log rows about the saga */
	uint32_t step_count;   /* = plan->step_count */
	struct step *steps;
};

/* What a new saga is made of. saga_create copies the texts (NULL counts as "") and adds a reference to the
 * plan. */
struct saga_start {
	struct plan *plan;
	const char *source, *event_id, *type, *gift, *donor, *note;
	int64_t now_ms;
	bool unrouted;
	/* why the saga gets no steps: NONE, QUARANTINED or GIFT_MISSING; the last two need a plan without
	 * steps */
	enum reason own_reason;
	/* For each step of the plan: */
	const uint8_t (*lanes)[LANE_BYTES]; /* NULL: no step has a lane */
	uint32_t lane_mask;                 /* bit i: step i has a lane */
	uint32_t condition_known; /* bit i: `when` was evaluated at acceptance (steps without `after`) */
	/* bit i: the condition `when` of step i gave true; only bits of condition_known */
	uint32_t condition_true;
};
/* A saga whose steps all wait. decide_accepted() must be called before any other decision. */
struct saga *saga_create(const struct saga_start *start);
void saga_destroy(struct saga *s); /* NULL is accepted */

/* Appends the stored form, an envelope byte and the content. The saga's id and its plan are not in it: they are
 * columns of its row. Returns where the core begins in `out`; it goes to the end. The core is the part that
 * changes only together with a record in the log: all but the log rows and, of each step, `why`, `location`,
 * `condition_passed` and `due_ms`. */
size_t saga_encode(const struct saga *s, struct buf *out);
/* Reads the stored form and adds a reference to `plan`. The bytes may be damaged: every enum, bound and
 * saga_check() is checked. ERR_CORRUPT names the field or rule that failed. */
int saga_decode(int64_t id, struct plan *plan, struct str bytes, struct saga **ret,
				struct err *err) MUST_CHECK;
/* The log rows of a stored value, without decoding the saga: replaces *ret. ERR_CORRUPT for damage. */
int saga_rows_of(struct str value, struct saga_rows *ret, struct err *err) MUST_CHECK;
/* The core of a stored value, which is a saga of `plan`; borrowed from it. ERR_CORRUPT for damage. */
int saga_core_of(const struct plan *plan, struct str value, struct str *ret, struct err *err) MUST_CHECK;

#define SAGA_SALT_BYTES 16 /* chosen: 128 random bits cannot be guessed */
#define SAGA_DIGEST_BYTES                                                                                    \
	16 /* chosen: the first half of a SHA-256 digest; a second value with the same digest cannot be found */

/* The digest that the log keeps of a value. Without the salt, which is forgotten with the saga's personal data,
 * a guess at the value cannot be checked against it. */
void saga_value_digest(const uint8_t salt[SAGA_SALT_BYTES], const struct plan *plan, struct str core,
					   uint8_t ret[SAGA_DIGEST_BYTES]);

/* The state of a saga follows from its flags and its steps alone: saga/DESIGN.md "Saga states". `ret_reason`
 * may be NULL. */
enum saga_state saga_derive_state(const struct saga *s, enum reason *ret_reason);
/* Checks the rules that every saga obeys: each step that has not ended has its `why`, members fit the state,
 * and the saga's state is the derived one. NULL if the saga is sound, else a static text that names the
 * broken rule. */
const char *saga_check(const struct saga *s);
/* The rules of saga_check that concern one step alone. */
const char *saga_check_step(const struct step *st);
/* True if the step needs an operator (attention) and the saga shows it. False in a saga that was cancelled or
 * is being undone, unless the undo itself needs an operator: there the failure has already been answered.
 * `st` is one of the saga's steps. */
bool saga_step_needs_operator(const struct saga *s, const struct step *st);
/* True if the step has not ended: it can still go on by itself, or an operator has to decide. */
bool saga_step_is_open(const struct saga *s, const struct step *st);
/* True if a step is running or ready in the engine. After a restart these sagas are read first. */
bool saga_is_live(const struct saga *s);
/* Appends {"books":{…},"thanks":{…}}: the results of the steps that took effect and are not undone, by step
 * name. `when` and templates read it as `steps`. */
void saga_results_json(const struct saga *s, struct buf *out);

#endif
