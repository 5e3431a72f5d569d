#include "saga/journal/log.h"

#include <stdlib.h>

#include "saga/base/array.h"
#include "saga/journal/journal_internal.h"

/* A linear search: a batch has records about few targets and jobs. Each related event is new, and has one record. */
struct records *log_records(struct journal *j, enum subject subject, int64_t id)
{
	struct log_state *l = &j->log;
	assert(subject >= SUBJECT_TARGET && subject <= SUBJECT_RELATED && id >= 0);
	for (size_t i = 0; subject != SUBJECT_RELATED && i < l->subject_count; i++) {
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

void log_begin(struct journal *j)
{
	assert(j->batch.open && j->log.last_row == j->log.chain.last && j->log.digest == NULL);
	store_chain_begin(&j->log.digest, j->log.chain.digest);
}

void log_add_value(struct journal *j, struct cache_entry *e, struct str core)
{
	uint8_t digest[SAGA_DIGEST_BYTES];
	saga_value_digest(e->salt, e->saga->plan, core, digest);
	records_add(e->log, &(struct record){ .kind = RECORD_VALUE,
										  .at_ms = j->now_ms,
										  .step = RECORD_NO_STEP,
										  .digest = { (const char *)digest, sizeof digest } });
}

/* The chain covers only a salted digest of the personal part, so that this part can be deleted later without
 * breaking the chain. */
int log_write_row(struct journal *j, enum subject subject, int64_t id, const struct records *records)
{
	struct log_row row = { .number = ++j->log.last_row,
						   .commit = j->log.chain.commit + 1,
						   .subject = subject,
						   .subject_id = id,
						   .at_ms = records->at_ms,
						   .head = buf_str(&records->head),
						   .personal = buf_str(&records->personal) };
	if (row.personal.len > 0) {
		entropy_pool_take(&j->log.salts, row.salt, sizeof row.salt);
		store_personal_digest(row.salt, row.personal, row.personal_digest);
	}
	store_chain_row(j->log.digest, &row);
	j->batch.wrote = true;
	return j->store.log_append(j->store.ctx, &row, &j->err);
}

int log_write_subjects(struct journal *j)
{
	for (size_t i = 0; i < j->log.subject_count; i++) {
		const struct subject_log *log = &j->log.subjects[i];
		int rc = log_write_row(j, log->subject, log->id, &log->records);
		if (rc != 0)
			return rc;
	}
	return 0;
}

bool log_needs_full(const struct log_state *l)
{
	return store_commit_is_full(l->chain.commit + 1) || !l->has_full;
}

int log_write_chain(struct journal *j, struct str counters, struct str marks)
{
	struct log_state *l = &j->log;
	assert(j->batch.open && j->batch.wrote && l->digest != NULL);
	struct chain_row row = { .commit = l->chain.commit + 1,
							 .first = l->chain.last + 1,
							 .last = l->last_row,
							 .at_ms = j->now_ms,
							 .counters = counters,
							 .marks = marks };
	store_chain_figures(l->digest, &row);
	store_chain_end(l->digest, row.digest);
	l->digest = NULL;
	int rc = j->store.chain_append(j->store.ctx, &row, &j->err);
	row.counters = row.marks = (struct str){ 0 };
	l->chain = row;
	l->has_full = true;
	return rc;
}

/* A batch that wrote nothing, or failed, leaves a digest that no row needs. */
static void drop_digest(struct log_state *l)
{
	uint8_t unused[32];
	if (l->digest != NULL)
		store_chain_end(l->digest, unused);
	l->digest = NULL;
}

void log_clear(struct log_state *l)
{
	for (size_t i = 0; i < l->subject_count; i++)
		records_free(&l->subjects[i].records);
	l->subject_count = 0;
	drop_digest(l);
}

void log_free(struct log_state *l)
{
	log_clear(l);
	free(l->subjects);
	*l = (struct log_state){ 0 };
}
