/* One event's journey as a value: what is stored in one small blob and changed only by saga/model/decide.h.
 */
#ifndef ALMONER_MODEL_SAGA_H
#define ALMONER_MODEL_SAGA_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/model/plan.h"
#include "saga/model/state.h"

#define LANE_BYTES 16

/* Where the journal keeps what will move a step; not part of the pure decisions. */
enum location {
	LOCATION_NONE = 0,   /* nothing to move: waiting, attention, terminal, paused saga */
	LOCATION_ENGINE = 1, /* in the engine's hands: running, or ready in its window */
	LOCATION_DISK = 2    /* a row of its own on disk, found by index */
};

struct step {
	uint8_t state;     /* enum step_state */
	uint8_t why;       /* enum why; NONE only when terminal */
	uint8_t direction; /* enum direction */
	uint8_t reason;    /* enum reason, in attention */
	uint8_t skip;      /* enum skip, when skipped */
	uint8_t last;      /* enum outcome_class of the last attempt */
	uint8_t location;  /* enum location */
	bool
		effect_possible; /* an effects exchange of this generation and direction was sent and not disproved */
	bool lookup_first;   /* the next attempt begins with a look-up */
	bool took_effect;    /* the DO direction took effect (or a person said so) */
	bool has_lane;
	bool has_body;
	bool
		by_operator; /* its end was set by a person (resolve, skip); while open: asked for by a person (redo),
					 * so it does not expire */
	bool condition_passed; /* `when` was evaluated and said yes */
	bool doubt_before; /* an earlier generation was in doubt when a person redid it: it may have taken effect
						*/
	uint32_t generation;    /* from 1; the undo direction counts from 1 again */
	uint32_t do_generation; /* in direction undo: the last one of the do, when it was not the first; else 0 */
	uint32_t attempts;      /* attempts begun in this generation: the number of the last intent */
	uint32_t spent;         /* of those, the ones that count against `attempts` of the retry policy */
	uint32_t waits;         /* waits planned in a row, spent or not: the exponent of the next one */
	int64_t due_ms;         /* ready: since when; retry_wait: not before. Steady clock */
	int64_t waited_ms;      /* time that counts towards giving up: attempts and planned waits, never holds */
	int64_t
		effect_possible_ms; /* first attempt that may have taken effect; 0: none. Starts the keyed(ttl) clock */
	int64_t last_ms;        /* when the last outcome was recorded; 0: never */
	int64_t begun_ms;       /* when the last intent was recorded; 0: never */
	uint8_t lane[LANE_BYTES];
	uint8_t body[16]; /* digest of the request bytes of this generation, once known */
	char *detail;     /* one line about the last outcome, NULL: none. Erasable: may name a person */
	char *result;     /* JSON object of the DO direction: id, url, outputs; NULL: none */
	char *checkpoint; /* bytes of the connector; NULL: none */
	uint32_t checkpoint_len;
};

struct saga {
	int64_t id;
	struct plan *plan; /* holds a reference */
	uint8_t state;     /* enum saga_state, always = saga_derive_state() */
	uint8_t reason;    /* enum reason, in attention: of the first such step, or of the saga itself */
	bool paused;
	bool cancelled;
	bool compensating; /* decided; stays set when compensated */
	bool unrouted;
	uint8_t own_reason; /* REASON_QUARANTINED or REASON_GIFT_MISSING, else NONE */
	int64_t created_ms;
	int64_t finished_ms; /* last time it came to rest; 0: never */
	char *source;
	char *event_id;
	char *type;
	char *gift;          /* "" for none */
	char *donor;         /* "" for none; erasable */
	char *note;          /* why quarantined or gift_missing, "" otherwise; erasable */
	uint32_t step_count; /* = plan->step_count */
	struct step *steps;
};

/* A saga with its steps waiting, before the first saga_settle; copies all texts, takes a reference on the
 * plan. */
struct saga_start {
	struct plan *plan;
	const char *source, *event_id, *type, *gift, *donor, *note;
	int64_t now_ms;
	bool unrouted;
	enum reason own_reason;
	/* Per step of the plan. */
	const uint8_t (*lanes)[LANE_BYTES]; /* NULL: no lanes at all */
	uint32_t lane_mask;                 /* bit i: step i has a lane */
	uint32_t condition_known;           /* bit i: `when` was evaluated (steps without `after`) */
	uint32_t condition_true;            /* bit i: its verdict; steps without `when` need no bit */
};
struct saga *saga_create(const struct saga_start *start);
void saga_destroy(struct saga *s);

/* Stored form, versioned; the plan's digest is not in it (a column of the row). Decoding checks every enum
 * and bound, and saga_check() of the whole: ERR_CORRUPT with the offending field or rule. */
void saga_encode(const struct saga *s, struct buf *out);
int saga_decode(int64_t id, struct plan *plan, struct str bytes, struct saga **ret,
				struct err *err) MUST_CHECK;

/* The pure functions of DESIGN §6; the precedence is a table in saga_state.c. */
enum saga_state saga_derive_state(const struct saga *s, enum reason *ret_reason);
/* Every non-terminal step has its `why`, every state its legal companions; NULL when sound, else which rule
 * broke. */
const char *saga_check(const struct saga *s);
/* The part of it that looks at one step alone; saga_decode holds every step to it. */
const char *saga_check_step(const struct step *st);
/* Does this step's attention wait for a person? Not in a saga that is undone or cancelled: what triggered the undo was
 * answered by it. */
bool saga_step_needs_operator(const struct saga *s, const struct step *st);
/* Is the step still to come to its end, by itself or by a person? */
bool saga_step_is_open(const struct saga *s, const struct step *st);
/* Is there a step running, or ready in the engine's window? Those sagas are looked at first after a restart.
 */
bool saga_is_live(const struct saga *s);
/* {"books":{…},"thanks":{…}}: results of the steps done so far, for `when` and templates. Appends. */
void saga_results_json(const struct saga *s, struct buf *out);

#endif
