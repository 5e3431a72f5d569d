/* The log rows of a batch: one row for each subject that has records, sagas first, in the order in which the
 * batch first touched them, and one chain digest over all rows of the commit (saga/DESIGN.md "The log"). Thread: the
 * journal's. */
#ifndef ALMONER_SAGA_JOURNAL_LOG_H
#define ALMONER_SAGA_JOURNAL_LOG_H

#include "saga/base/check.h"
#include "saga/base/entropy.h"
#include "saga/model/record.h"
#include "saga/store/store.h"

struct journal;
struct cache_entry;

/* The records of this batch about one target, job, related event, the daemon or the configuration; those about
 * sagas are in the saga's cache entry. */
struct subject_log {
	enum subject subject;
	int64_t id;
	struct records records;
};

struct log_state {
	int64_t last_row;           /* number of the last log row */
	struct chain_row chain;     /* of the last commit, without its figures */
	bool has_full;              /* a commit since the start has a full copy of the figures */
	struct store_chain *digest; /* over the rows of the batch; NULL: no batch is being written */
	struct subject_log *subjects;
	size_t subject_count, subject_capacity;
	struct entropy_pool salts;
};

/* The records of a subject in this batch, to be added to. Valid until the next call. SUBJECT_SAGA is not for
 * here: see cache_log. SUBJECT_RELATED: only once for each id. */
struct records *log_records(struct journal *j, enum subject subject, int64_t id);
/* Adds one record without a step to this batch, at the present time. The texts may be NULL. */
void log_add(struct journal *j, enum subject subject, int64_t id, enum record_kind kind, const char *text,
			 const char *actor, const char *note);
/* Begins to write the rows of the batch: those of sagas first, then log_write_subjects. */
void log_begin(struct journal *j);
/* Ends the saga's records of this batch with the digest of its value, whose core is given. */
void log_add_value(struct journal *j, struct cache_entry *e, struct str core);
/* Writes one row, with the number log.last_row + 1. */
int log_write_row(struct journal *j, enum subject subject, int64_t id,
				  const struct records *records) MUST_CHECK;
/* Writes the rows of all subjects that are no sagas. */
int log_write_subjects(struct journal *j) MUST_CHECK;
/* Must the next chain row have a full copy of the figures? */
bool log_needs_full(const struct log_state *l);
/* Writes the chain row of the batch, which has written something: the digest over its rows, and the figures in
 * their stored form. */
int log_write_chain(struct journal *j, struct str counters, struct str marks) MUST_CHECK;
/* Forgets the records of the batch. */
void log_clear(struct log_state *l);
void log_free(struct log_state *l);

#endif
