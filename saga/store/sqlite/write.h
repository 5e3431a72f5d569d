/* The writing connection: its statements, and what the files of the writer share. */
#ifndef ALMONER_SAGA_STORE_SQLITE_WRITE_H
#define ALMONER_SAGA_STORE_SQLITE_WRITE_H

#include "saga/store/lock.h"
#include "saga/store/recent.h"
#include "saga/store/sqlite/columns.h"

#define WRITER_TABLE(X)                                                                                      \
	X(W_BEGIN, "cannot begin a transaction", "BEGIN IMMEDIATE")                                              \
	X(W_COMMIT, "cannot commit", "COMMIT")                                                                   \
	X(W_ROLLBACK, "cannot roll the transaction back", "ROLLBACK")                                            \
	X(W_LAST_SAGA, "cannot read the last saga", "SELECT max(id) FROM saga")                                  \
	X(W_LAST_RELATED, "cannot read the last related event", "SELECT max(id) FROM related")                   \
	X(W_FIGURES, "cannot read the end of the log", CHAIN_FIGURES)                                            \
	X(W_PLAN_FIND, "cannot find a plan", "SELECT id FROM plan WHERE part = 0 AND digest = ?1")               \
	X(W_PLAN_ADD, "cannot add a plan", "INSERT INTO plan (digest, json) VALUES (?1, ?2)")                    \
	X(W_PLAN_GET, "cannot read a plan", "SELECT json FROM plan WHERE id = ?1")                               \
	X(W_SAGA_ADD, "cannot add a saga",                                                                       \
	  "INSERT INTO saga (" SAGA_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                             \
	X(W_SAGA_SET, "cannot update a saga",                                                                    \
	  "UPDATE saga SET plan = ?2, state = ?3, indexed = ?4, created = ?5, salt = ?6, value = ?7 WHERE id = " \
	  "?1")                                                                                                  \
	X(W_SAGA_GET, "cannot read a saga", "SELECT " SAGA_COLUMNS " FROM saga WHERE id = ?1")                   \
	X(W_SAGA_LIVE, "cannot list live sagas",                                                                 \
	  "SELECT id FROM saga INDEXED BY saga_indexed WHERE indexed = 2 AND state = ?1 AND id > ?2 ORDER BY "   \
	  "id LIMIT ?3")                                                                                         \
	X(W_SAGA_RANGE, "cannot read sagas",                                                                     \
	  "SELECT " SAGA_COLUMNS " FROM saga WHERE id > ?1 ORDER BY id LIMIT ?2")                                \
	X(W_EVENT_ADD, "cannot add an event", "INSERT INTO event (saga, " EVENT_COLUMNS ") VALUES (?1, ?2, ?3)") \
	X(W_EVENT_SET, "cannot replace an event",                                                                \
	  "UPDATE event SET (" EVENT_COLUMNS ") = (?2, ?3) WHERE saga = ?1")                                     \
	X(W_EVENT_GET, "cannot read an event", "SELECT " EVENT_COLUMNS " FROM event WHERE saga = ?1")            \
	X(W_KEY_LOAD, "cannot read the newest keys", "SELECT id, digest, owner, day FROM key_new ORDER BY id")   \
	X(W_KEY_ADD, "cannot claim a key",                                                                       \
	  "INSERT INTO key_new (id, digest, owner, day) VALUES (?1, ?2, ?3, ?4)")                                \
	X(W_KEY_GET, "cannot look a key up", "SELECT owner FROM key WHERE digest = ?1")                          \
	X(W_KEY_MOVE, "cannot sort keys in", "REPLACE INTO key (digest, owner, day) VALUES (?1, ?2, ?3)")        \
	X(W_KEY_MOVED, "cannot sort keys in", "DELETE FROM key_new WHERE id <= ?1")                              \
	X(W_KEY_SCAN, "cannot look for old keys",                                                                \
	  "SELECT digest, day, owner FROM key WHERE digest > ?1 ORDER BY digest LIMIT ?2")                       \
	X(W_KEY_DELETE, "cannot delete a key", "DELETE FROM key WHERE digest = ?1")                              \
	X(W_KEY_DELETE_NEW, "cannot delete a key", "DELETE FROM key_new WHERE id = ?1")                          \
	X(W_KEY_TRANSFER, "cannot give a key to another owner",                                                  \
	  "UPDATE key SET owner = ?3 WHERE digest = ?1 AND owner = ?2")                                          \
	X(W_KEY_TRANSFER_NEW, "cannot give a key to another owner",                                              \
	  "UPDATE key_new SET owner = ?2 WHERE id = ?1")                                                         \
	X(W_RELATED_ADD, "cannot add a related event",                                                           \
	  "INSERT INTO related (id, saga, own, due, names, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")            \
	X(W_RELATED_GET, "cannot read a related event", "SELECT " RELATED_COLUMNS " FROM related WHERE id = ?1") \
	X(W_RELATED_NAME, "cannot add a name of a related event",                                                \
	  "INSERT INTO related_name (part, gift_key, related) VALUES (0, ?1, ?2) ON CONFLICT DO NOTHING")        \
	X(W_RELATED_UNNAME, "cannot delete a name of a related event",                                           \
	  "DELETE FROM related_name WHERE part = 0 AND gift_key = ?1 AND related = ?2")                          \
	X(W_RELATED_NAMED, "cannot look for related events",                                                     \
	  "SELECT " RELATED_COLUMNS " FROM related_name AS n CROSS JOIN related ON related.id = n.related "      \
	  "WHERE n.part = 0 AND n.gift_key = ?1 ORDER BY n.related LIMIT 1")                                     \
	X(W_RELATED_ATTACH, "cannot attach a related event", "UPDATE related SET saga = ?2 WHERE id = ?1")       \
	X(W_RELATED_DUE, "cannot look for related events without a gift",                                        \
	  "SELECT id, due FROM related INDEXED BY related_due WHERE part = 0 AND saga = 0 ORDER BY due, id "     \
	  "LIMIT ?1")                                                                                            \
	X(W_ROW_PUT, "cannot store a waiting step",                                                              \
	  "REPLACE INTO step (part, " STEP_COLUMNS ") VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7)")                   \
	X(W_ROW_DELETE, "cannot delete a waiting step",                                                          \
	  "DELETE FROM step WHERE part = 0 AND saga = ?1 AND step = ?2")                                         \
	X(W_ROW_CLAIM, "cannot claim steps",                                                                     \
	  "SELECT " STEP_COLUMNS                                                                                 \
	  " FROM step INDEXED BY step_claim WHERE part = 0 AND target = ?1 AND due <= ?2 AND "                   \
	  "why IN (2, 3) ORDER BY due, saga, step LIMIT ?3")                                                     \
	X(W_ROW_DUE_BEYOND, "cannot look for steps that are due too late",                                       \
	  "SELECT " STEP_COLUMNS                                                                                 \
	  " FROM step INDEXED BY step_claim WHERE part = 0 AND target = ?1 AND due > ?2 AND "                    \
	  "why IN (2, 3) ORDER BY due, saga, step LIMIT ?3")                                                     \
	X(W_ROW_NEXT, "cannot look for the next due step",                                                       \
	  "SELECT due FROM step INDEXED BY step_claim WHERE part = 0 AND target = ?1 AND why IN (2, 3) ORDER "   \
	  "BY due LIMIT 1")                                                                                      \
	X(W_ROW_LANE, "cannot look for the next step in a lane",                                                 \
	  "SELECT " STEP_COLUMNS                                                                                 \
	  " FROM step INDEXED BY step_lane WHERE part = 0 AND target = ?1 AND lane = ?2 AND "                    \
	  "saga > ?3 ORDER BY saga, step LIMIT 1")                                                               \
	X(W_ROW_WITH_LANE, "cannot read the lanes",                                                              \
	  "SELECT " STEP_COLUMNS                                                                                 \
	  " FROM step INDEXED BY step_lane WHERE part = 0 AND target = ?1 AND lane IS NOT NULL AND "             \
	  "(lane, saga, step) > (?2, ?3, ?4) ORDER BY lane, saga, step LIMIT ?5")                                \
	X(W_ROW_COUNT_CLAIMABLE, "cannot count claimable steps",                                                 \
	  "SELECT saga, step, due, NULL FROM step INDEXED BY step_claim WHERE part = 0 AND target = ?1 AND "     \
	  "why IN (2, 3) AND (due, saga, step) > (?4, ?2, ?3) ORDER BY due, saga, step LIMIT ?6")                \
	X(W_ROW_COUNT_BLOCKED, "cannot count blocked steps",                                                     \
	  "SELECT saga, step, 0, NULL FROM step INDEXED BY step_blocked WHERE part = 0 AND target = ?1 AND "     \
	  "why IN (4, 5) AND (saga, step) > (?2, ?3) ORDER BY saga, step LIMIT ?6")                              \
	X(W_ROW_COUNT_LANES, "cannot count steps with a lane",                                                   \
	  "SELECT saga, step, 0, lane FROM step INDEXED BY step_lane WHERE part = 0 AND target = ?1 AND "        \
	  "lane IS NOT NULL AND (lane, saga, step) > (?5, ?2, ?3) ORDER BY lane, saga, step LIMIT ?6")           \
	X(W_TARGET_PUT, "cannot store a target",                                                                 \
	  "REPLACE INTO target (part, " TARGET_COLUMNS ") VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7)")               \
	X(W_TARGETS, "cannot read the targets",                                                                  \
	  "SELECT " TARGET_COLUMNS " FROM target WHERE part = 0 ORDER BY id")                                    \
	X(W_JOB_PUT, "cannot store a job",                                                                       \
	  "REPLACE INTO job (" JOB_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, " \
	  "?, ?, ?)")                                                                                            \
	X(W_JOB_GET, "cannot read a job", "SELECT " JOB_COLUMNS " FROM job WHERE id = ?1")                       \
	X(W_JOB_RUNNING, "cannot read the running jobs",                                                         \
	  "SELECT " JOB_COLUMNS " FROM job INDEXED BY job_running WHERE state = 1 AND id > ?1 ORDER BY id "      \
	  "LIMIT 1")                                                                                             \
	X(W_REJECTED_ADD, "cannot store a refused request",                                                      \
	  "INSERT INTO refused (source, received, wall, until, bytes, address, url, headers, body) VALUES "      \
	  "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                                                                \
	X(W_REJECTED_GET, "cannot look for a refused request",                                                   \
	  "SELECT source, bytes FROM refused WHERE id = ?1")                                                     \
	X(W_REJECTED_DELETE, "cannot delete a refused request", "DELETE FROM refused WHERE id = ?1")             \
	X(W_REJECTED_OLDEST, "cannot look for the oldest refused request",                                       \
	  "SELECT id, bytes FROM refused INDEXED BY refused_source WHERE part = 0 AND source = ?1 ORDER BY id "  \
	  "LIMIT 1")                                                                                             \
	X(W_REJECTED_OLD, "cannot look for old refused requests",                                                \
	  "SELECT id FROM refused INDEXED BY refused_until WHERE part = 0 AND until <= ?1 ORDER BY until LIMIT " \
	  "1")                                                                                                   \
	X(W_REJECTED_TOTAL, "cannot read how many bytes of refused requests are stored",                         \
	  "SELECT bytes FROM refused_total WHERE part = 0 AND source = ?1")                                      \
	X(W_REJECTED_TOTAL_ADD, "cannot store how many bytes of refused requests are stored",                    \
	  "INSERT INTO refused_total (part, source, bytes) VALUES (0, ?1, ?2) "                                  \
	  "ON CONFLICT DO UPDATE SET bytes = max(bytes + ?2, 0)")                                                \
	X(W_LOG_ADD, "cannot append to the log",                                                                 \
	  "INSERT INTO log (" LOG_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)")                 \
	X(W_CHAIN_ADD, "cannot append to the chain",                                                             \
	  "INSERT INTO chain (" CHAIN_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")

#define WRITER_ENUM(name, what, sql) name,
enum writer_statement { WRITER_TABLE(WRITER_ENUM) W_COUNT };
#undef WRITER_ENUM

/* A key of keys_reserve and its owner, 0 for a free key, also after a claim or a transfer. */
struct reserved_key {
	uint8_t digest[STORE_KEY_BYTES];
	int64_t owner;
};

/* What the writer knows of the keys besides the sorted table key. */
struct key_table {
	/* key_new.c */
	struct store_recent recent; /* the rows of key_new */
	int64_t next_id;            /* of the next row of key_new */
	bool changed;               /* since the transaction began */
	/* During a move: the indexes of the first move_count rows in memory, in the order of their digests. Else
	 * NULL. */
	uint32_t *move_order;
	size_t move_count;
	size_t move_slice;       /* rows moved at once */
	size_t move_at;          /* position in move_order of the next row to move */
	int64_t move_last_id;    /* id of the last row of the move */
	size_t added_since_move; /* rows added since the last slice was moved */
	/* keys.c: the keys that this transaction has reserved, by digest */
	struct reserved_key *reserved;
	size_t reserved_count, reserved_capacity;
	/* key_prune.c */
	uint8_t prune_after[STORE_KEY_BYTES]; /* key_prune continues behind this key, when prune_in_progress */
	bool prune_in_progress;
};

/* Identifies a file independently of its name; all zero: not recorded yet. */
struct file_identity {
	uint64_t device, inode;
};

struct sqlite_writer {
	struct db db;
	struct store_lock lock;
	struct file_identity main_file, wal_file;
	int64_t frames;       /* pages in the write-ahead log after the last commit */
	int64_t checkpointed; /* number of frames of the write-ahead log that are copied to the main file */
	int64_t restart_at;   /* at this number of frames a checkpoint waits for readers */
	struct buf value;     /* the bytes that saga_get returned last */
	struct key_table keys;
};

/* Each fills its part of the table, as store.h describes it; `ctx` is a struct sqlite_writer. */
extern const struct db_statement write_statements[W_COUNT];
void write_ops(struct store_writer *ops);    /* sagas, events, log: write.c */
void keys_ops(struct store_writer *ops);     /* keys: keys.c */
void head_ops(struct store_writer *ops);     /* plans, head: head.c */
void rows_ops(struct store_writer *ops);     /* step rows, targets: rows.c */
void related_ops(struct store_writer *ops);  /* related.c */
void jobs_ops(struct store_writer *ops);     /* jobs.c */
void rejected_ops(struct store_writer *ops); /* rejected.c */

/* keys.c. A commit or rollback of the connection must be followed by keys_committed or keys_rolled_back, so
 * that the memory matches the tables. */
void keys_committed(struct sqlite_writer *w);
int keys_rolled_back(struct sqlite_writer *w, struct err *err) MUST_CHECK;
void keys_finish(struct sqlite_writer *w);

/* Parts of keys_ops. */
void key_search_ops(struct store_writer *ops); /* key_search.c */
void key_prune_ops(struct store_writer *ops);  /* key_prune.c */

/* key_new.c: changes of key_new, in the table and in memory. */
int key_new_load(struct sqlite_writer *w, struct err *err) MUST_CHECK; /* reads the table into memory */
void key_new_finish(struct sqlite_writer *w);
/* `digest` has no row in key_new, except for a search row (owner 0). May move rows to the sorted table. */
int key_new_add(struct sqlite_writer *w, const uint8_t digest[STORE_KEY_BYTES], int64_t owner, int64_t day,
				struct err *err) MUST_CHECK;
/* `row` is an entry of keys.recent that is not removed; its place in the array stays. */
int key_new_transfer(struct sqlite_writer *w, struct recent_key *row, int64_t to, struct err *err) MUST_CHECK;
int key_new_delete(struct sqlite_writer *w, struct recent_key *row, struct err *err) MUST_CHECK;

#endif
