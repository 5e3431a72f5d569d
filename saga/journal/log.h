/* The log rows of a batch: one for each subject, and the chain digest over them. */
#ifndef ALMONER_SAGA_JOURNAL_LOG_H
#define ALMONER_SAGA_JOURNAL_LOG_H

#include "saga/base/check.h"
#include "saga/model/record.h"
#include "saga/store/store.h"

struct journal;

struct log_writer {
	struct chain_row chain;
	struct store_chain *digest; /* NULL until the first row */
};

struct records *log_records(struct journal *j, enum subject subject, int64_t id);
int log_write_all(struct journal *j, struct log_writer *lw) MUST_CHECK;
int log_write_chain(struct journal *j, struct log_writer *lw) MUST_CHECK;
/* Frees what an unfinished writer holds. */
void log_end(struct log_writer *lw);

#endif
