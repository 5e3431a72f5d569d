/* Opening a reader, and its simple questions. */
#include "saga/store/sqlite/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/migrate.h"
#include "saga/store/store_sqlite.h"

#define READER_STATEMENT(name, what, sql) { what, sql },
const struct db_statement read_statements[R_COUNT] = { READER_TABLE(READER_STATEMENT) };
#undef READER_STATEMENT

void read_slice(struct sqlite_reader *r)
{
	r->db.deadline_ms = clock_monotonic_ms() + READ_SLICE_MS;
}

bool read_slice_over(const struct sqlite_reader *r)
{
	/* Before the progress handler would cut the next step off. */
	return clock_monotonic_ms() >= r->db.deadline_ms - READ_SLICE_MS / 5;
}

int read_saga(struct sqlite_reader *r, struct db_query *q, struct saga **ret, struct err *err)
{
	int64_t id = column_int(q, 0);
	struct plan *plan = NULL;
	int rc = plans_get(&r->db, R_PLAN_GET, column_int(q, 1), &plan, err);
	if (rc != 0)
		return rc;
	rc = saga_decode(id, plan, column_bytes(q, 5), ret, err);
	plan_unref(plan);
	if (rc != 0)
		(void)err_wrap(err, rc, "store %s: saga %lld", r->db.path, (long long)id);
	return rc;
}

static int not_found(struct sqlite_reader *r, const char *what, int64_t id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "store %s: no %s %lld", r->db.path, what, (long long)id);
}

static int reader_saga_get(void *ctx, int64_t id, struct saga **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_SAGA_GET);
	query_int(&q, id);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? not_found(r, "saga", id, err) : rc;
	return read_saga(r, &q, ret, err);
}

static int reader_event_get(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_EVENT_GET);
	query_int(&q, saga);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? not_found(r, "event of saga", saga, err) : rc;
	*ret = column_event(&q, 0);
	return 0;
}

static int reader_log_read(void *ctx, int64_t saga, int64_t after, size_t capacity, void *each_ctx,
						   int (*each)(void *each_ctx, const struct log_row *row), int64_t *ret_next,
						   struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, saga == 0 ? R_LOG : R_LOG_SAGA);
	query_int(&q, after);
	query_int(&q, (int64_t)capacity);
	if (saga != 0)
		query_int(&q, saga);
	int64_t last = after;
	int rc = query_next(&q, err);
	while (rc == 1) {
		struct log_row row;
		column_log_row(&q, &row);
		last = row.number;
		if (each(each_ctx, &row) != 0 || read_slice_over(r))
			break;
		rc = query_next(&q, err);
	}
	if (rc < 0)
		return rc;
	*ret_next = last;
	return 0;
}

static int reader_related_of(void *ctx, int64_t saga, void *each_ctx,
							 int (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_RELATED_OF);
	query_int(&q, saga);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct related_row row;
		column_related(&q, &row);
		int stop = each(each_ctx, &row);
		event_unref(row.event);
		if (stop != 0)
			return 0;
	}
	return rc;
}

static int reader_targets(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_TARGETS);
	return column_target_rows(&q, ret, ret_count, err);
}

/* One slice of an index from behind *at. Gives 1 when there is more. */
static int backlog_slice(struct sqlite_reader *r, enum reader_statement which, uint32_t target,
						 struct step_row *at, int64_t now_ms, const int64_t *edges_ms, int64_t *counts,
						 size_t edge_count, struct err *err)
{
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, which);
	query_int(&q, target);
	query_int(&q, at->due_ms);
	query_int(&q, at->saga);
	query_int(&q, at->step);
	int rc = query_next(&q, err);
	unsigned n = 0;
	for (; rc == 1; rc = query_next(&q, err)) {
		*at = (struct step_row){ .due_ms = column_int(&q, 0),
								 .saga = column_int(&q, 1),
								 .step = (uint16_t)column_int(&q, 2) };
		int64_t age_ms = now_ms - column_int(&q, 3);
		for (size_t i = 0; i < edge_count; i++)
			counts[i] += age_ms >= edges_ms[i];
		if (++n % 64 == 0 && read_slice_over(r))
			return 1;
	}
	/* Cut short by its deadline, on a disk that is slow: it goes on from behind what was read. */
	return rc == ERR_BUSY && n > 0 ? 1 : rc;
}

static int reader_backlog(void *ctx, uint32_t target, int64_t now_ms, const int64_t *edges_ms,
						  int64_t *counts, size_t edge_count, struct err *err)
{
	static const enum reader_statement statements[] = { R_BACKLOG_CLAIM, R_BACKLOG_BLOCKED };
	memset(counts, 0, edge_count * sizeof *counts);
	for (size_t i = 0; i < 2; i++) {
		struct step_row at = { .due_ms = INT64_MIN };
		int rc = 1;
		while (rc == 1)
			rc = backlog_slice(ctx, statements[i], target, &at, now_ms, edges_ms, counts, edge_count, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int reader_counters(void *ctx, struct buf *out, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_COUNTERS);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	struct str value = rc == 1 ? column_bytes(&q, 0) : STR("");
	buf_add(out, value.p, value.len);
	return 0;
}

/* ---- life ---- */

static void reader_close(void *ctx)
{
	struct sqlite_reader *r = ctx;
	db_close(&r->db);
	store_lock_release(&r->lock);
	free(r);
}

static int reader_begin(struct sqlite_reader *r, const char *path, const char *name, int flags,
						const char *vfs, struct err *err)
{
	int rc = db_open(&r->db, path, name, SQLITE_OPEN_READONLY | flags, vfs, err);
	if (rc != 0)
		return rc;
	/* The writer alone checkpoints: two at once can corrupt in this SQLite (DESIGN §12). */
	int sqlite_rc = sqlite3_db_config(r->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	rc = sqlite_rc == SQLITE_OK ? 0 : db_error(&r->db, sqlite_rc, "opening to read", err);
	if (rc == 0)
		rc = db_exec(&r->db, "opening to read",
					 "PRAGMA query_only = ON; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; "
					 "PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0",
					 err);
	if (rc == 0)
		rc = migrate_check(&r->db, err);
	if (rc == 0)
		rc = db_prepare(&r->db, read_statements, R_COUNT, err);
	if (rc == 0)
		db_enforce_deadline(&r->db);
	else
		db_close(&r->db);
	return rc;
}

/* "file:PATH?immutable=1" with everything escaped that means something in a URI. */
static char *immutable_uri(const char *path)
{
	struct buf uri = { 0 };
	buf_text(&uri, "file:");
	for (const char *p = path; *p != '\0'; p++)
		if (strchr("?#%", *p) != NULL)
			buf_printf(&uri, "%%%02x", (unsigned)(unsigned char)*p);
		else
			buf_byte(&uri, (uint8_t)*p);
	buf_text(&uri, "?immutable=1");
	return buf_take(&uri);
}

/* A folder we may not write to: SQLite cannot make its shared memory there. When no daemon holds the lock,
 * and keeps being kept out while we read, and the last one left no write-ahead log, the file stands still. */
static int open_immutable(struct sqlite_reader *r, const char *path, const char *vfs, struct err *err)
{
	struct err first = err != NULL ? *err : (struct err){ 0 };
	int rc = store_lock_share(path, &r->lock, err);
	if (rc != 0)
		return rc;
	char *log AUTO_FREE = mem_printf("%s-wal", path);
	struct stat st;
	if (stat(log, &st) == 0 && st.st_size > 0)
		return err_set(
			err, ERR_SYSTEM,
			"%s; its write-ahead log holds what a stopped daemon left: read it as a user who may write "
			"in its folder, or start the daemon once",
			first.text);
	char *uri AUTO_FREE = immutable_uri(path);
	return reader_begin(r, path, uri, SQLITE_OPEN_URI, vfs, err);
}

static int reader_open(struct sqlite_reader *r, const char *path, const char *vfs, struct err *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "store %s: %s", path,
					   strerror(errno));
	int rc = reader_begin(r, path, path, 0, vfs, err);
	return rc == ERR_SYSTEM ? open_immutable(r, path, vfs, err) : rc;
}

int store_sqlite_open_reader(const char *path, const struct store_sqlite_options *options,
							 struct store_reader *ret, struct err *err)
{
	struct sqlite_reader *r = mem_zalloc(sizeof *r);
	r->lock.fd = -1;
	int rc = reader_open(r, path, options != NULL ? options->vfs : NULL, err);
	if (rc != 0) {
		reader_close(r);
		return rc;
	}
	*ret = (struct store_reader){
		.ctx = r,
		.saga_get = reader_saga_get,
		.event_get = reader_event_get,
		.log_read = reader_log_read,
		.related_of = reader_related_of,
		.targets = reader_targets,
		.backlog = reader_backlog,
		.counters = reader_counters,
		.close = reader_close,
	};
	list_ops(ret);
	verify_ops(ret);
	jobs_read_ops(ret);
	rejected_read_ops(ret);
	return 0;
}
