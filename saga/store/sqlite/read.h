/* The reading connection: its statements, and what the files of the reader share. */
#ifndef ALMONER_SAGA_STORE_SQLITE_READ_H
#define ALMONER_SAGA_STORE_SQLITE_READ_H

#include "saga/store/lock.h"
#include "saga/store/sqlite/columns.h"

/* The longest read transaction: a longer one would make the write-ahead log grow. Chosen; no measurement. See
 * saga/store/README.md "Hazards of SQLite". */
#define READ_SLICE_MS 250

#define REJECTED_COLUMNS "id, source, received, wall, until, address, url, headers, body"

/* SAGA_ROWS_LISTED parameters. */
#define EIGHT      "?, ?, ?, ?, ?, ?, ?, ?"
#define SIXTY_FOUR EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT

#define READER_TABLE(X)                                                                                      \
	X(R_BEGIN, "cannot begin to read", "BEGIN")                                                              \
	X(R_END, "cannot end the reading", "COMMIT")                                                             \
	X(R_PLAN_GET, "cannot read a plan", "SELECT json FROM plan WHERE id = ?1")                               \
	X(R_SAGA_GET, "cannot read a saga", "SELECT " SAGA_COLUMNS " FROM saga WHERE id = ?1")                   \
	X(R_LIST, "cannot list sagas", "SELECT " SAGA_COLUMNS " FROM saga WHERE id < ?1 ORDER BY id DESC")       \
	/* SQLite merges three ranges, so it sorts nothing. */                                                   \
	X(R_LIST_OPEN, "cannot list open sagas",                                                                 \
	  "SELECT " SAGA_COLUMNS " FROM saga INDEXED BY saga_indexed WHERE indexed = 1 AND state = ?2 "          \
	  "AND id < ?1 UNION ALL "                                                                               \
	  "SELECT " SAGA_COLUMNS " FROM saga INDEXED BY saga_indexed WHERE indexed = 2 AND state = ?2 "          \
	  "AND id < ?1 UNION ALL "                                                                               \
	  "SELECT " SAGA_COLUMNS " FROM saga WHERE indexed = 0 AND state = ?2 AND id < ?1 AND id >= ?3 AND "     \
	  "id <= ?4 ORDER BY id DESC")                                                                           \
	X(R_EVENT_GET, "cannot read an event", "SELECT " EVENT_COLUMNS " FROM event WHERE saga = ?1")            \
	X(R_RELATED_GET, "cannot read a related event", "SELECT " RELATED_COLUMNS " FROM related WHERE id = ?1") \
	X(R_KEY_GET, "cannot look a key up among all keys",                                                      \
	  "SELECT owner FROM key WHERE digest = ?1 UNION ALL "                                                   \
	  "SELECT owner FROM key_new WHERE digest = ?1 LIMIT 1")                                                 \
	X(R_SEARCH, "cannot search",                                                                             \
	  "SELECT digest FROM key WHERE digest > ?1 AND digest < ?2 AND owner = 0 ORDER BY digest DESC "         \
	  "LIMIT ?3")                                                                                            \
	X(R_SEARCH_NEW, "cannot search the newest rows",                                                         \
	  "SELECT digest FROM (SELECT digest, owner FROM key_new ORDER BY id LIMIT ?3) "                         \
	  "WHERE digest > ?1 AND digest < ?2 AND owner = 0")                                                     \
	X(R_LOG, "cannot read the log", "SELECT " LOG_COLUMNS " FROM log WHERE no > ?1 ORDER BY no LIMIT ?2")    \
	X(R_LOG_ROWS, "cannot read a saga's log",                                                                \
	  "SELECT " LOG_COLUMNS " FROM log WHERE no IN (" SIXTY_FOUR ") ORDER BY no")                            \
	X(R_RELATED_OF, "cannot read related events",                                                            \
	  "SELECT " RELATED_COLUMNS " FROM related INDEXED BY related_saga WHERE saga = ?1 AND saga > 0 "        \
	  "ORDER BY id")                                                                                         \
	X(R_TARGETS, "cannot read the targets",                                                                  \
	  "SELECT " TARGET_COLUMNS " FROM target WHERE part = 0 ORDER BY id")                                    \
	X(R_BACKLOG_CLAIM, "cannot read the backlog",                                                            \
	  "SELECT due, saga, step, since FROM step INDEXED BY step_claim WHERE part = 0 AND target = ?1 AND "    \
	  "why IN (2, 3) "                                                                                       \
	  "AND (due, saga, step) > (?2, ?3, ?4) ORDER BY due, saga, step")                                       \
	X(R_BACKLOG_BLOCKED, "cannot read the backlog",                                                          \
	  "SELECT 0, saga, step, since FROM step INDEXED BY step_blocked WHERE part = 0 AND target = ?1 AND "    \
	  "why IN (4, 5) "                                                                                       \
	  "AND (saga, step) > (?3, ?4) ORDER BY saga, step")                                                     \
	X(R_JOB_GET, "cannot read a job", "SELECT " JOB_COLUMNS " FROM job WHERE id = ?1")                       \
	X(R_JOBS, "cannot list jobs", "SELECT " JOB_COLUMNS " FROM job WHERE id < ?1 ORDER BY id DESC LIMIT ?2") \
	X(R_JOB_RUNNING, "cannot read the running jobs",                                                         \
	  "SELECT " JOB_COLUMNS " FROM job INDEXED BY job_running WHERE state = 1 AND id > ?1 ORDER BY id "      \
	  "LIMIT 1")                                                                                             \
	X(R_REJECTED, "cannot read refused requests",                                                            \
	  "SELECT " REJECTED_COLUMNS " FROM refused WHERE id > ?1 ORDER BY id LIMIT ?2")                         \
	X(R_REJECTED_OF, "cannot read refused requests",                                                         \
	  "SELECT " REJECTED_COLUMNS                                                                             \
	  " FROM refused INDEXED BY refused_source WHERE part = 0 AND source = ?3 AND id > ?1 "                  \
	  "ORDER BY id LIMIT ?2")                                                                                \
	X(R_FIGURES, "cannot read the figures", CHAIN_FIGURES)                                                   \
	X(R_LAST_LOG, "cannot read the end of the log", "SELECT max(no) FROM log")                               \
	X(R_CHAIN, "cannot read the chain",                                                                      \
	  "SELECT " CHAIN_COLUMNS " FROM chain WHERE commit_no > ?1 ORDER BY commit_no")                         \
	X(R_CHAIN_ROWS, "cannot read the log",                                                                   \
	  "SELECT " LOG_COLUMNS " FROM log WHERE no BETWEEN ?1 AND ?2 ORDER BY no")                              \
	X(R_SAGAS, "cannot read sagas", "SELECT " SAGA_COLUMNS " FROM saga WHERE id > ?1 ORDER BY id")           \
	X(R_STEP_WHY, "cannot look for a waiting step",                                                          \
	  "SELECT why FROM step WHERE part = 0 AND saga = ?1 AND step = ?2")                                     \
	X(R_STEPS, "cannot read waiting steps",                                                                  \
	  "SELECT " STEP_COLUMNS " FROM step WHERE part = 0 AND (saga, step) > (?1, ?2) ORDER BY saga, step")

#define READER_ENUM(name, what, sql) name,
enum reader_statement { READER_TABLE(READER_ENUM) R_COUNT };
#undef READER_ENUM

struct sqlite_reader {
	struct db db;
	struct store_lock lock; /* the lock on the store, held only while the file is read as immutable */
	/* read_log.c: the log rows above listed_after of the saga that was read last; 0: none */
	int64_t listed_saga;
	int64_t listed_after;
	struct saga_rows listed;
};

extern const struct db_statement read_statements[R_COUNT];

/* Starts a slice: the queries after this call may take READ_SLICE_MS together. */
void read_slice(struct sqlite_reader *r);
/* True shortly before the slice ends: a loop that asks can stop at a row of its choice. */
bool read_slice_over(const struct sqlite_reader *r);

/* A transaction around several queries, so that they see one moment. read_end also after an error. */
int read_begin(struct sqlite_reader *r, struct err *err) MUST_CHECK;
int read_end(struct sqlite_reader *r, struct err *err) MUST_CHECK;
/* The figures as of the last commit; the caller calls store_figures_free. */
int read_figures(struct sqlite_reader *r, struct store_figures *ret, struct err *err) MUST_CHECK;

/* Decodes the row with its plan; the error text names the damaged saga. *ret is the caller's to
 * saga_destroy. */
int read_saga(struct sqlite_reader *r, const struct saga_row *row, struct saga **ret,
			  struct err *err) MUST_CHECK;

/* A saga_log_rows, within the present slice (read_log.c). */
int read_log_rows(void *ctx, const int64_t *numbers, size_t count, void *each_ctx,
				  int (*each)(void *each_ctx, const struct log_row *row), struct err *err) MUST_CHECK;
/* store_reader.related_of, within the present slice. */
int read_related_of(struct sqlite_reader *r, int64_t saga, void *each_ctx,
					int (*each)(void *each_ctx, const struct related_row *row), struct err *err) MUST_CHECK;

/* Each fills its part of the table, as store.h describes it. */
void read_ops(struct store_reader *ops);            /* read.c */
void read_log_ops(struct store_reader *ops);        /* read_log.c */
void list_ops(struct store_reader *ops);            /* list.c */
void key_search_read_ops(struct store_reader *ops); /* key_search.c */
void verify_ops(struct store_reader *ops);          /* verify.c */
void jobs_read_ops(struct store_reader *ops);       /* jobs.c */
void rejected_read_ops(struct store_reader *ops);   /* rejected.c */

#endif
