/* Records of the saga log: packed, append-only, versioned. One log row holds all records of one subject in
 * one commit. The head is chained; what may name a person (detail, result, checkpoint) goes to the private
 * part of the row, which can be forgotten: the head only has its salted digest (see saga/store/store.h). */
#ifndef ALMONER_MODEL_RECORD_H
#define ALMONER_MODEL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/base/reader.h"
#include "saga/model/state.h"

/* Stored: append only. The text is the `record` member in `log export --json`. */
#define RECORD_TABLE(X)                                                                                      \
	X(RECORD_ACCEPTED, 1, "accepted") /* saga made from an event: digest, text = route */                    \
	X(RECORD_UNROUTED, 2, "unrouted")                                                                        \
	X(RECORD_QUARANTINED, 3, "quarantined") /* private = why */                                              \
	X(RECORD_RELATED, 4, "related")         /* an event of the saga's gift; text = its type, private = id */ \
	X(RECORD_GIFT_MISSING, 5, "gift_missing")                                                                \
	X(RECORD_INTENT, 6, "intent")           /* step, direction, generation, attempt; text "lookup" or "" */  \
	X(RECORD_NOT_STARTED, 7, "not_started") /* the intent above was not used: no doubt */                    \
	X(RECORD_CHECKPOINT, 8, "checkpoint")   /* before a further effect; private = bytes */                   \
	X(RECORD_OUTCOME, 9, "outcome")         /* class, status, duration; digest = body; private = detail */   \
	X(RECORD_RESULT, 10, "result")          /* private = the result's JSON */                                \
	X(RECORD_STEP, 11, "step")              /* to = new state, reason, due */                                \
	X(RECORD_DECISION, 12, "decision")      /* text = "compensate" | "hold" …, by rule */                    \
	X(RECORD_VERB, 13, "verb")              /* text = verb, actor, note = the person's reason */             \
	X(RECORD_SAGA, 14, "saga")              /* to = new saga state, reason */                                \
	X(RECORD_DUPLICATE, 15, "duplicate")    /* only with a differing body: flagged */                        \
	X(RECORD_TARGET, 16, "target")          /* subject target: text = paused | resumed | held | breaker_… */ \
	X(RECORD_CONFIG, 17, "config")          /* subject configuration: text = loaded | refused, digest */     \
	X(RECORD_DAEMON, 18, "daemon")          /* subject daemon: text = started | stopped | … */               \
	X(RECORD_REPROCESSED, 19, "reprocessed")                                                                 \
	X(RECORD_JOB, 20,                                                                                        \
	  "job") /* subject daemon, id = job: to = its state; text = verb, actor, note; private = filter */

#define RECORD_ENUM(name, value, text) name = (value),
enum record_kind { RECORD_TABLE(RECORD_ENUM) RECORD_KIND_END };
#undef RECORD_ENUM

#define SUBJECT_TABLE(X)                                                                                     \
	X(SUBJECT_SAGA, 1, "saga")                                                                               \
	X(SUBJECT_TARGET, 2, "target")                                                                           \
	X(SUBJECT_DAEMON, 3, "daemon")                                                                           \
	X(SUBJECT_CONFIG, 4, "configuration")
#define SUBJECT_ENUM(name, value, text) name = (value),
enum subject { SUBJECT_TABLE(SUBJECT_ENUM) };
#undef SUBJECT_ENUM

const char *name_of_record_kind(enum record_kind k);
const char *name_of_subject(enum subject s);

#define RECORD_NO_STEP (-1)

/* One record; unused members stay zero and cost one byte together (a presence mask). Texts are borrowed. */
struct record {
	enum record_kind kind;
	int64_t at_ms;
	int step; /* RECORD_NO_STEP for none */
	enum direction direction;
	uint32_t generation;
	uint32_t attempt;
	uint8_t to;     /* a step_state, saga_state or job_state */
	uint8_t reason; /* enum reason or, for a skipped step, enum skip */
	uint8_t why;
	uint8_t outcome;
	uint32_t status;
	int64_t duration_ms;
	int64_t due_ms;
	struct str digest;   /* 0, 16 or 32 bytes */
	struct str text;     /* a word of ours, or a name */
	struct str actor;    /* who: "uid 1000 (anna)" */
	struct str note;     /* the person's reason */
	struct str personal; /* goes to the private part */
	bool forgotten;      /* set by reading: it had a personal text, which has been forgotten */
};

/* What one commit says about one subject. */
struct records {
	struct buf head;
	struct buf personal;
	uint32_t count;
	int64_t last_at_ms; /* times are stored as differences */
};

void records_free(struct records *r);
void records_clear(struct records *r);
void records_add(struct records *r, const struct record *record);

/* Decodes one record after the other; `personal` may be empty (forgotten): the texts are then absent. Returns
 * 1 for a record, 0 at the end, ERR_CORRUPT. */
struct records_reader {
	struct reader head;
	struct str personal; /* the rest of it */
	bool forgotten;      /* there was none to begin with */
	int64_t last_at_ms;
};
struct records_reader records_read(struct str head, struct str personal);
int records_next(struct records_reader *r, struct record *ret, struct err *err) MUST_CHECK;

#endif
