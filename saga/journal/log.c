/* The log rows of a batch: one for each subject, and the chain digest over them. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"

struct records *log_records(struct journal *j, enum subject subject, int64_t id)
{
	struct log_state *l = &j->log;
	for (size_t i = 0; i < l->subject_count; i++) {
		if (l->subjects[i].subject == subject && l->subjects[i].id == id)
			return &l->subjects[i].records;
	}
	if (l->subject_count == l->subject_capacity) {
		l->subject_capacity = l->subject_capacity * 2 + 4;
		l->subjects = mem_grow(l->subjects, l->subject_capacity * sizeof *l->subjects);
	}
	struct subject_log *log = &l->subjects[l->subject_count++];
	*log = (struct subject_log){ .subject = subject, .id = id };
	return &log->records;
}

static const uint8_t *next_salt(struct log_state *l)
{
	if (l->salts_left == 0) {
		entropy_bytes(l->salts, sizeof l->salts);
		l->salts_left = LOG_SALTS;
	}
	return l->salts[--l->salts_left];
}

struct log_writer {
	struct chain_row chain;
	struct store_chain *digest; /* NULL until the first row */
};

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
		return 0; /* nothing to tell: no commit number is used */
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
