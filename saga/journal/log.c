/* The log rows of a batch: one for each subject, and the chain digest over them. */
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"

struct records *log_records(struct journal *j, enum subject subject, int64_t id)
{
	struct batch *b = &j->batch;
	for (size_t i = 0; i < b->log_count; i++) {
		if (b->logs[i].subject == subject && b->logs[i].id == id)
			return &b->logs[i].records;
	}
	if (b->log_count == b->log_cap) {
		b->log_cap = b->log_cap * 2 + 4;
		b->logs = mem_grow(b->logs, b->log_cap * sizeof *b->logs);
	}
	struct subject_log *log = &b->logs[b->log_count++];
	*log = (struct subject_log){ .subject = subject, .id = id };
	return &log->records;
}

static const uint8_t *next_salt(struct batch *b)
{
	size_t count = sizeof b->salts / sizeof b->salts[0];
	if (b->salts_used == count) {
		entropy_bytes(b->salts, sizeof b->salts);
		b->salts_used = 0;
	}
	return b->salts[b->salts_used++];
}

static int log_write_row(struct journal *j, struct log_writer *lw, enum subject subject, int64_t id,
						 const struct records *records)
{
	if (lw->digest == NULL) {
		lw->chain =
			(struct chain_row){ .commit = j->chain.commit + 1, .first = j->last_log + 1, .at_ms = j->now_ms };
		store_chain_begin(&lw->digest, j->chain.digest);
	}
	struct log_row row = { .number = ++j->last_log,
						   .commit = lw->chain.commit,
						   .subject = subject,
						   .subject_id = id,
						   .at_ms = j->now_ms,
						   .head = buf_str(&records->head),
						   .personal = buf_str(&records->personal) };
	if (row.personal.len > 0) {
		memcpy(row.salt, next_salt(&j->batch), sizeof row.salt);
		store_personal_digest(row.salt, row.personal, row.personal_digest);
	}
	store_chain_row(lw->digest, &row);
	j->totals.log_rows++;
	return j->store.log_append(j->store.ctx, &row, &j->err);
}

int log_write_all(struct journal *j, struct log_writer *lw)
{
	struct cache_entry *e;
	STAILQ_FOREACH(e, &j->batch.touched, touched_link)
	{
		int rc = e->log != NULL && e->log->count > 0 ? log_write_row(j, lw, SUBJECT_SAGA, e->id, e->log) : 0;
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < j->batch.log_count; i++) {
		const struct subject_log *log = &j->batch.logs[i];
		int rc = log_write_row(j, lw, log->subject, log->id, &log->records);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int log_write_chain(struct journal *j, struct log_writer *lw)
{
	if (lw->digest == NULL)
		return 0; /* nothing to tell: no commit number is used */
	lw->chain.last = j->last_log;
	store_chain_end(lw->digest, lw->chain.digest);
	lw->digest = NULL;
	j->chain = lw->chain;
	j->totals.commits++;
	j->batch.wrote = true;
	return j->store.chain_append(j->store.ctx, &j->chain, &j->err);
}

void log_end(struct log_writer *lw)
{
	if (lw->digest != NULL)
		store_chain_end(lw->digest, lw->chain.digest);
	lw->digest = NULL;
}
