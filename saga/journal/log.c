#include "saga/journal/log.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/digest.h"
#include "saga/base/entropy.h"
#include "saga/journal/journal_internal.h"

/* A linear search: a batch has records about few subjects that are no sagas. */
struct records *log_records(struct journal *j, enum subject subject, int64_t id)
{
	struct log_state *l = &j->log;
	assert(subject >= SUBJECT_TARGET && subject <= SUBJECT_CONFIG && id >= 0);
	for (size_t i = 0; i < l->subject_count; i++) {
		if (l->subjects[i].subject == subject && l->subjects[i].id == id)
			return &l->subjects[i].records;
	}
	ARRAY_GROW(l->subjects, l->subject_count, l->subject_capacity);
	struct subject_log *log = &l->subjects[l->subject_count++];
	*log = (struct subject_log){ .subject = subject, .id = id };
	return &log->records;
}

void log_add(struct journal *j, enum subject subject, int64_t id, enum record_kind kind, const char *text,
			 const char *actor, const char *note)
{
	assert(kind > 0 && kind < RECORD_KIND_END);
	records_add(log_records(j, subject, id), &(struct record){ .kind = kind,
															   .at_ms = j->now_ms,
															   .step = RECORD_NO_STEP,
															   .text = str_of(text),
															   .actor = str_of(actor),
															   .note = str_of(note) });
}

static const uint8_t *next_salt(struct log_state *l)
{
	if (l->salts_left == 0) {
		entropy_bytes(l->salts, sizeof l->salts);
		l->salts_left = LOG_SALTS;
	}
	return l->salts[--l->salts_left];
}

/* The rows of one commit while they are written. */
struct log_writer {
	struct chain_row chain;
	struct store_chain *digest; /* NULL until the first row */
};

/* The chain covers only a salted digest of the personal part, so that this part can be deleted later without
 * breaking the chain. */
static int write_row(struct journal *j, struct log_writer *lw, enum subject subject, int64_t id,
					 const struct records *records)
{
	if (lw->digest == NULL) {
		lw->chain = (struct chain_row){ .commit = j->log.chain.commit + 1,
										.first = j->log.last_row + 1,
										.at_ms = j->now_ms };
		store_chain_begin(&lw->digest, j->log.chain.digest);
	}
	struct log_row row = { .number = ++j->log.last_row,
						   .commit = lw->chain.commit,
						   .subject = subject,
						   .subject_id = id,
						   .at_ms = j->now_ms,
						   .head = buf_str(&records->head),
						   .personal = buf_str(&records->personal) };
	if (row.personal.len > 0) {
		memcpy(row.salt, next_salt(&j->log), sizeof row.salt);
		store_personal_digest(row.salt, row.personal, row.personal_digest);
	}
	store_chain_row(lw->digest, &row);
	j->totals.log_rows++;
	return j->store.log_append(j->store.ctx, &row, &j->err);
}

/* Sagas come first, in the order in which the batch touched them; then the other subjects. */
static int write_rows(struct journal *j, struct log_writer *lw)
{
	struct cache_entry *e;
	STAILQ_FOREACH(e, &j->batch.touched, touched_link)
	{
		int rc = e->log != NULL && e->log->count > 0 ? write_row(j, lw, SUBJECT_SAGA, e->id, e->log) : 0;
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < j->log.subject_count; i++) {
		const struct subject_log *log = &j->log.subjects[i];
		int rc = write_row(j, lw, log->subject, log->id, &log->records);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int write_chain(struct journal *j, struct log_writer *lw)
{
	if (lw->digest == NULL)
		return 0; /* the batch has no log row, so it uses no commit number */
	lw->chain.last = j->log.last_row;
	store_chain_end(lw->digest, lw->chain.digest);
	lw->digest = NULL;
	j->log.chain = lw->chain;
	j->totals.commits++;
	j->batch.wrote = true;
	return j->store.chain_append(j->store.ctx, &j->log.chain, &j->err);
}

int log_write(struct journal *j)
{
	struct log_writer lw = { 0 };
	assert(j->batch.open && j->log.last_row == j->log.chain.last);
	int rc = write_rows(j, &lw);
	if (rc == 0)
		rc = write_chain(j, &lw);
	if (lw.digest != NULL)
		store_chain_end(lw.digest, lw.chain.digest);
	return rc;
}

void log_clear(struct log_state *l)
{
	for (size_t i = 0; i < l->subject_count; i++)
		records_free(&l->subjects[i].records);
	l->subject_count = 0;
}

void log_free(struct log_state *l)
{
	log_clear(l);
	free(l->subjects);
	*l = (struct log_state){ 0 };
}
