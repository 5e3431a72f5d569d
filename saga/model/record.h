/* Records of the saga log in their stored form. One row of the log holds all records of one subject in one
 * commit. A row has two parts. The head is in the chain of digests and never changes. The personal part holds
 * the texts that may name a donor (detail, result, checkpoint), after an envelope byte; it can be forgotten,
 * because the chain covers only its salted digest (saga/store/store.h). Not shared between threads. */
#ifndef ALMONER_MODEL_RECORD_H
#define ALMONER_MODEL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/base/reader.h"
#include "saga/model/state.h"

/* The numbers are in the store: append new ones, never change one. The text is the member "record" in JSON.
 * The comments name the members of struct record that a kind uses. */
#define RECORD_TABLE(X)                                                                                       \
	X(RECORD_ACCEPTED, 1, "accepted") /* a new saga: digest of the event, text = route */                     \
	X(RECORD_UNROUTED, 2, "unrouted")                                                                         \
	X(RECORD_QUARANTINED, 3, "quarantined") /* personal = why */                                              \
	/* an event of the saga's gift: digest of the event, text = type, personal = id */                        \
	X(RECORD_RELATED, 4, "related")                                                                           \
	X(RECORD_GIFT_MISSING, 5, "gift_missing")                                                                 \
	/* before an attempt: step, direction, generation, attempt; text = "lookup" for a look-up, else "" */     \
	X(RECORD_INTENT, 6, "intent")                                                                             \
	X(RECORD_NOT_STARTED, 7, "not_started") /* the last intent was not used, so there is no doubt */          \
	X(RECORD_CHECKPOINT, 8, "checkpoint")   /* before a further request with effects; personal = bytes */     \
	/* outcome, status, duration; digest = body; text = the target's code; personal = detail */               \
	X(RECORD_OUTCOME, 9, "outcome")                                                                           \
	X(RECORD_RESULT, 10, "result") /* personal = the result as JSON */                                        \
	X(RECORD_STEP, 11, "step")     /* to = new state, reason, due */                                          \
	/* what the failure policy decided: text = "compensate" or "hold" */                                      \
	X(RECORD_DECISION, 12, "decision")                                                                        \
	X(RECORD_VERB, 13, "verb")           /* text = verb, actor, note = the operator's reason */               \
	X(RECORD_SAGA, 14, "saga")           /* to = new saga state, reason */                                    \
	X(RECORD_DUPLICATE, 15, "duplicate") /* a duplicate of the event arrived with another body */             \
	X(RECORD_TARGET, 16, "target")       /* about a target: text = paused, resumed, held, breaker_… */        \
	X(RECORD_CONFIG, 17, "config")       /* about the configuration: text = loaded or refused, digest */      \
	X(RECORD_DAEMON, 18, "daemon")       /* about the daemon: text = started, stopped, … */                   \
	X(RECORD_REPROCESSED, 19, "reprocessed")                                                                  \
	/* about a job of the daemon: id = job, to = job state, text = verb, actor, note, personal = filter */    \
	X(RECORD_JOB, 20, "job")                                                                                  \
	/* the last record of a row about a saga: digest = saga_value_digest of the saga after this commit. It  \
	   and the next kind belong to the store: they are not shown to users. */ \
	X(RECORD_VALUE, 21, "value")                                                                              \
	X(RECORD_EARLIER_ROWS, 22, "earlier_rows") /* text = numbers of earlier rows (saga_rows.h) */

#define RECORD_ENUM(name, value, text) name = (value),
enum record_kind { RECORD_TABLE(RECORD_ENUM) RECORD_KIND_END };
#undef RECORD_ENUM

#define SUBJECT_TABLE(X)                                                                                     \
	X(SUBJECT_SAGA, 1, "saga")                                                                               \
	X(SUBJECT_TARGET, 2, "target")                                                                           \
	X(SUBJECT_DAEMON, 3, "daemon")                                                                           \
	X(SUBJECT_CONFIG, 4, "configuration")                                                                    \
	X(SUBJECT_RELATED, 5, "related") /* an event that waits for its gift; the number of its row */
#define SUBJECT_ENUM(name, value, text) name = (value),
enum subject { SUBJECT_TABLE(SUBJECT_ENUM) };
#undef SUBJECT_ENUM

/* The text of a value; "?" for a value outside the table. */
const char *name_of_record_kind(enum record_kind k);
const char *name_of_subject(enum subject s);

#define RECORD_NO_STEP (-1) /* a record about the whole subject */

/* One record. Members that are zero or empty are not stored: a mask says which ones are. Texts are
 * borrowed. */
struct record {
	enum record_kind kind;
	int64_t at_ms;
	int step; /* RECORD_NO_STEP for none */
	enum direction direction;
	uint32_t generation;
	uint32_t attempt;
	uint8_t to;      /* the new state: enum step_state, saga_state or job_state, by kind */
	uint8_t reason;  /* enum reason; for a skipped step, enum skip */
	uint8_t why;     /* enum why */
	uint8_t outcome; /* enum outcome_class */
	uint32_t status; /* the status of the reply: an HTTP or SMTP code; 0: none */
	int64_t duration_ms;
	int64_t due_ms;
	struct str digest; /* 0, 16 or 32 bytes */
	struct str text;   /* a word or a name, by kind; never personal data */
	struct str actor;  /* who gave the verb: "uid 1000 (anna)" */
	struct str note;   /* the reason that the operator gave */
	/* Stored in the personal part; one that is exactly `status` as a number is not. */
	struct str personal;
	bool forgotten; /* set when the record is read: its personal text has been forgotten */
};

/* All records about one subject in one commit, in their stored form. A zeroed struct is empty and valid. */
struct records {
	struct buf head;
	struct buf personal;
	uint32_t count;
	int64_t at_ms;      /* the time of the first record, which the row must carry as its time */
	int64_t last_at_ms; /* the time of the last record; the next time is stored as a difference to it */
};

void records_free(struct records *r);
void records_clear(struct records *r); /* empties and keeps the memory */
/* Appends one record; copies its texts. */
void records_add(struct records *r, const struct record *record);

/* Reads one record after the other from the two parts of a row, which must outlive the reader; at_ms is the
 * time of the row. An empty `personal` part has been forgotten: its texts are then empty and `forgotten` is
 * set. */
struct records_reader {
	struct reader head;
	unsigned version;
	struct str personal; /* what is left of it */
	bool forgotten;      /* the personal part was forgotten: it was empty from the start */
	bool sealed;         /* the envelope of the personal part is not plain */
	int64_t last_at_ms;
	char status[12]; /* the personal text of a record whose detail is its status */
};
struct records_reader records_read(struct str head, struct str personal, int64_t at_ms);
/* Returns 1 with a record, 0 at the end, ERR_CORRUPT for bytes that do not decode. The texts of the record are
 * valid until the next call. */
int records_next(struct records_reader *r, struct record *ret, struct err *err) MUST_CHECK;

/* Records that say how the store keeps a saga, and nothing that happened to it. */
static inline bool record_is_internal(enum record_kind kind)
{
	return kind == RECORD_VALUE || kind == RECORD_EARLIER_ROWS;
}

#endif
