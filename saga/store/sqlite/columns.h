/* Columns of the current row of a query, as values of the store port. Internal to saga/store/sqlite.
 *
 * Each *_COLUMNS macro is the column list that a SELECT must name for the function beside it. Text and blobs
 * that a function returns are borrowed until the query's next step. */
#ifndef ALMONER_SAGA_STORE_SQLITE_COLUMNS_H
#define ALMONER_SAGA_STORE_SQLITE_COLUMNS_H

#include "saga/store/sqlite/query.h"

int64_t column_int(struct db_query *q, int column); /* NULL reads as 0 */
struct str column_bytes(struct db_query *q, int column);
/* Copies a blob of exactly `len` bytes; a blob of another length (NULL too) leaves zeros in `to`. */
void column_fixed(struct db_query *q, int column, void *to, size_t len);

#define EVENT_COLUMNS "version, payload"
/* A new reference, the caller's to event_unref; `first` is the index of the first of these columns. NULL when the
 * payload does not decode; then `why` says the reason. */
struct event *column_event(struct db_query *q, int first, struct err *why);

#define SAGA_COLUMNS "id, plan, state, indexed, created, salt, value"
/* ret->value is borrowed. */
void column_saga_row(struct db_query *q, struct saga_row *ret);

/* The most rows that key_new and its copy in memory ever have (key_new.c). Chosen: with fewer, a move rewrites
 * more pages for each key; figures: saga/store/README.md. */
#define KEY_NEW_ROWS_MAX 65536

#define STEP_COLUMNS "saga, step, target, why, lane, due, since"
void column_step_row(struct db_query *q, struct step_row *ret);

#define LOG_COLUMNS                                                                                          \
	"no, commit_no, subject, subject_id, at, head, personal, salt, personal_digest, head_digest"
/* head and personal are borrowed. */
void column_log_row(struct db_query *q, struct log_row *ret);

#define CHAIN_COLUMNS "commit_no, first, last, at, digest, counters, marks"
/* counters and marks are borrowed. */
void column_chain_row(struct db_query *q, struct chain_row *ret);
/* Binds these columns as the next seven parameters. The row must live until the query ends. */
void column_bind_chain_row(struct db_query *q, const struct chain_row *row);
/* The query that gives every chain row a start needs: from the newest full copy of the figures on, or a little
 * before it. */
#define CHAIN_FIGURES                                                                                        \
	"SELECT " CHAIN_COLUMNS " FROM chain WHERE commit_no >= ((SELECT max(commit_no) FROM chain) & -256) "    \
	"ORDER BY commit_no"
/* Reads all rows of CHAIN_FIGURES. *ret_last is the last one without its figures; NULL: not wanted. *ret is the
 * caller's to store_figures_free, and set only on success. */
int column_figures(struct db_query *q, struct store_figures *ret, struct chain_row *ret_last,
				   struct err *err) MUST_CHECK;

#define TARGET_COLUMNS "id, name, paused, held, held_reason, changed, breaker_away"
/* Reads all rows of the query; *ret is the caller's to free(), and set only on success. */
int column_target_rows(struct db_query *q, struct target_row **ret, size_t *ret_count,
					   struct err *err) MUST_CHECK;

#define RELATED_COLUMNS "related.id, saga, own, due, names, payload"
/* ret->event is a new reference, the caller's to event_unref, or NULL, as column_event gives it; ret->names is
 * borrowed. */
void column_related(struct db_query *q, struct related_row *ret, struct err *why);

/* The columns of a job; jobs.c binds and reads them. */
#define JOB_COLUMNS                                                                                          \
	"id, state, verb, redo, filter, actor, note, rate, rate_ms, created, finished, upto, position, "         \
	"expected, matched, moved, steps, in_doubt, refused, passed_over, held, error"

#endif
