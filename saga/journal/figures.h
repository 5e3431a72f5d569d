/* The journal's figures for status pages, metrics and alerts. They are stored in each commit and never
 * counted by a scan, so that reading them costs the same with a long backlog. */
#ifndef ALMONER_SAGA_JOURNAL_FIGURES_H
#define ALMONER_SAGA_JOURNAL_FIGURES_H

#include "saga/base/err.h"
#include "saga/model/state.h"

struct store_reader;

struct journal;

struct journal_target_counts {
	uint32_t id;
	char name[128];
	int64_t open;      /* steps that are not at their end; those in attention are included */
	int64_t backlog;   /* rows on disk that wait: for a slot, their due time, their lane, or other steps */
	int64_t attention; /* steps that need an operator */
	int64_t succeeded; /* since the store was made */
};

struct journal_counts {
	int64_t accepted;   /* = sum of sagas[] + related: checked in commits (saga/journal/invariants.h) */
	int64_t related;    /* related events that made no saga */
	int64_t duplicates; /* repeats that were recognised */
	int64_t sagas[SAGA_STATE_COUNT];
	int64_t commits;
	int64_t log_rows;
	int64_t queue_records; /* accepts that wait for their commit now */
	int64_t queue_bytes;
	bool disk_low; /* less free space than the reserve, or store_gone */
	bool store_gone;
	int64_t
		wal_blocked_bytes; /* size of a write-ahead log that a reader keeps from being reused; 0: none does */
	size_t target_count;
	struct journal_target_counts *targets; /* by id - 1; freed by journal_counts_finish */
};

/* A copy of the figures as of the last commit. Thread: any. */
void journal_counts(struct journal *j, struct journal_counts *ret);
void journal_counts_finish(struct journal_counts *c);
/* The figures as of the last commit, for programs without a running journal; what only a running journal knows
 * is 0. ERR_CORRUPT, ERR_REFUSED (a newer almoner wrote them) or an error of the store; then nothing needs to be
 * freed. */
int journal_counts_read(const struct store_reader *reader, struct journal_counts *ret,
						struct err *err) MUST_CHECK;

#endif
