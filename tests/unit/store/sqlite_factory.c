#include "tests/unit/store/sqlite_factory.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saga/base/digest.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

static void remove_store(struct sqlite_factory *s)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", ".lock" };
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char *name AUTO_FREE = mem_printf("%s%s", s->path, suffixes[i]);
		(void)unlink(name); /* most of them do not exist */
	}
}

static void factory_fresh(void *ctx)
{
	remove_store(ctx);
}

static int factory_open(void *ctx, struct store_writer *ret, struct err *err)
{
	struct sqlite_factory *s = ctx;
	return store_sqlite_open(s->path, &s->options, ret, err);
}

static int factory_open_reader(void *ctx, struct store_reader *ret, struct err *err)
{
	struct sqlite_factory *s = ctx;
	return store_sqlite_open_reader(s->path, &s->options, ret, err);
}

/* Changes one byte in the middle of a blob. */
#define FLIP(column)                                                                                         \
	#column " = CAST(substr(" #column ", 1, length(" #column ") / 2) || "                                    \
			"CASE substr(" #column ", length(" #column ") / 2 + 1, 1) WHEN x'41' THEN x'42' ELSE x'41' END " \
			"|| substr(" #column ", length(" #column ") / 2 + 2) AS BLOB)"

/* A payload in the whole form (saga/model/event_codec.h) of an event with the body "z" and nothing else. */
#define OTHER_PAYLOAD                                                                                        \
	"x'0000"                                                                                                 \
	"09090909090909090909090909090909"                                                                       \
	"0100000000000000"                                                                                       \
	"00"                                                                                                     \
	"00"                                                                                                     \
	"7a'"

static void empty_head(struct sqlite_factory *s, int64_t number)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	int rc = sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY, NULL);
	assert(rc == SQLITE_OK);
	rc = sqlite3_prepare_v2(db, "SELECT head FROM log WHERE no = ?1", -1, &st, NULL);
	assert(rc == SQLITE_OK);
	(void)sqlite3_bind_int64(st, 1, number); /* else there is no row */
	rc = sqlite3_step(st);
	assert(rc == SQLITE_ROW);
	digest_bytes(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), digest);
	(void)sqlite3_finalize(st); /* the step was checked */
	rc = sqlite3_close(db);
	assert(rc == SQLITE_OK);
	hex_encode(digest, sizeof digest, hex);
	char *sql AUTO_FREE =
		mem_printf("UPDATE log SET head = NULL, head_digest = x'%s', personal = NULL, salt = NULL "
				   "WHERE no = %lld",
				   hex, (long long)number);
	sqlite_factory_sql(s, sql);
}

static void factory_harm(void *ctx, enum damage damage, int64_t number)
{
	static const char *const sql[] = {
		[DAMAGE_FLIP_HEAD] = "UPDATE log SET " FLIP(head) " WHERE no = ?",
		[DAMAGE_FLIP_PERSONAL] = "UPDATE log SET " FLIP(personal) " WHERE no = ?",
		[DAMAGE_REMOVE_ROW] = "DELETE FROM log WHERE no = ?",
		[DAMAGE_REMOVE_COMMIT] = "DELETE FROM chain WHERE commit_no = ?",
		[DAMAGE_REMOVE_TAIL] = "DELETE FROM log WHERE commit_no >= ?; DELETE FROM chain WHERE commit_no >= ?",
		[DAMAGE_FLIP_CHAIN] = "UPDATE chain SET " FLIP(digest) " WHERE commit_no = ?",
		[DAMAGE_FLIP_COUNTERS] = "UPDATE chain SET " FLIP(counters) " WHERE commit_no = ?",
		[DAMAGE_FLIP_MARKS] = "UPDATE chain SET " FLIP(marks) " WHERE commit_no = ?",
		[DAMAGE_CHAIN_TIME] = "UPDATE chain SET at = at + 1000 WHERE commit_no = ?",
		[DAMAGE_RENUMBER] = "UPDATE log SET no = no + 1000 WHERE no = ?",
		[DAMAGE_SAGA_VALUE] = "UPDATE saga SET value = substr(value, 1, length(value) - 3) WHERE id = ?",
		[DAMAGE_SAGA_STATE] = "UPDATE saga SET state = 8 WHERE id = ?",
		[DAMAGE_EVENT] = "UPDATE event SET payload = " OTHER_PAYLOAD " WHERE saga = ?",
		[DAMAGE_SPOIL_EVENT] = "UPDATE event SET payload = substr(payload, 1, 20) WHERE saga = ?",
		[DAMAGE_RELATED] = "UPDATE related SET payload = " OTHER_PAYLOAD " WHERE id = ?",
		[DAMAGE_SPOIL_RELATED] = "UPDATE related SET payload = substr(payload, 1, 20) WHERE id = ?",
		[DAMAGE_REMOVE_RELATED] = "DELETE FROM related WHERE id = ?",
		[DAMAGE_REMOVE_EVENT] = "DELETE FROM event WHERE saga = ?",
		[DAMAGE_REMOVE_STEP] = "DELETE FROM step WHERE saga = ?",
		[DAMAGE_NEWER_SCHEMA] = "PRAGMA user_version = 99; SELECT ?",
		[DAMAGE_SAGA_CORE] = "UPDATE saga SET value = CAST(substr(value, 1, instr(value, x'657674')) || "
							 "x'77' || substr(value, instr(value, x'657674') + 2) AS BLOB) WHERE id = ?",
		[DAMAGE_FORGET_SALT] = "UPDATE saga SET salt = NULL WHERE id = ?",
		[DAMAGE_FORGET_PERSONAL] = "UPDATE log SET personal = NULL, salt = NULL WHERE no = ?",
	};
	struct buf AUTO_BUF text = { 0 };
	if (damage == DAMAGE_EMPTY_HEAD) {
		empty_head(ctx, number);
		return;
	}
	for (const char *p = sql[damage]; *p != '\0'; p++)
		if (*p == '?')
			buf_printf(&text, "%lld", (long long)number);
		else
			buf_byte(&text, (uint8_t)*p);
	sqlite_factory_sql(ctx, text.data);
}

void sqlite_factory_sql(struct sqlite_factory *s, const char *sql)
{
	sqlite3 *db = NULL;
	char *message = NULL;
	int rc = sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, &message);
	if (rc != SQLITE_OK)
		fprintf(stderr, "%s: %s\n", sql, message != NULL ? message : sqlite3_errmsg(db));
	assert(rc == SQLITE_OK);
	rc = sqlite3_close(db);
	assert(rc == SQLITE_OK);
}

void sqlite_factory_init(struct sqlite_factory *s)
{
	*s = (struct sqlite_factory){ .folder = "/tmp/almoner-store-XXXXXX" };
	const char *folder = mkdtemp(s->folder);
	assert(folder != NULL);
	snprintf(s->path, sizeof s->path, "%s/almoner.db", s->folder);
}

void sqlite_factory_finish(struct sqlite_factory *s)
{
	remove_store(s);
	(void)rmdir(s->folder);
}

struct store_factory sqlite_factory_of(struct sqlite_factory *s)
{
	return (struct store_factory){ .name = "sqlite",
								   .ctx = s,
								   .fresh = factory_fresh,
								   .open = factory_open,
								   .open_reader = factory_open_reader,
								   .harm = factory_harm };
}

int64_t sqlite_factory_size(const struct sqlite_factory *s, const char *suffix)
{
	char *name AUTO_FREE = mem_printf("%s%s", s->path, suffix);
	struct stat st;
	return stat(name, &st) == 0 ? (int64_t)st.st_size : -1;
}
