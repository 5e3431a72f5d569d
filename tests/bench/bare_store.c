/* SQLite alone, with the settings of saga/store and rows of the same shape: one transaction accepts a batch of events
 * with three steps each (event, key, saga, log row), the next one settles them (saga, log row). There are no secondary
 * indexes, digests, counters or chain: this is the least that rows of this shape can cost.
 *
 *     almoner-bare-store --dir FOLDER [--events N] [--batch N]
 *
 * Prints one JSON object: microseconds per event. */
#include <getopt.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define RAW_BYTES        600
#define SAGA_BYTES       170
#define SETTLED_BYTES    230
#define HEAD_BYTES       90
#define KEY_BYTES        16
#define CHECKPOINT_PAGES 16000

static const char schema[] =
	"PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
	"PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; "
	"PRAGMA secure_delete = FAST; PRAGMA wal_autocheckpoint = 0;"
	"CREATE TABLE event (saga INTEGER PRIMARY KEY, raw BLOB NOT NULL);"
	"CREATE TABLE claim (id INTEGER PRIMARY KEY, digest BLOB NOT NULL);"
	"CREATE TABLE saga (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, value BLOB NOT NULL);"
	"CREATE TABLE log (no INTEGER PRIMARY KEY, saga INTEGER NOT NULL, head BLOB NOT NULL);";

enum { BEGIN, COMMIT, EVENT, KEY, SAGA, SETTLE, LOG, STATEMENTS };

static const char *const texts[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[EVENT] = "INSERT INTO event VALUES (?1, ?2)",
	[KEY] = "INSERT INTO claim VALUES (?1, ?2)",
	[SAGA] = "INSERT INTO saga VALUES (?1, 1, ?2)",
	[SETTLE] = "UPDATE saga SET state = 4, value = ?2 WHERE id = ?1",
	[LOG] = "INSERT INTO log VALUES (?1, ?2, ?3)",
};

struct bare_store {
	const char *dir;
	long events;
	long batch;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	sqlite3_int64 saga;
	sqlite3_int64 number;
};

static void must(struct bare_store *b, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	fprintf(stderr, "almoner-bare-store: %s\n", sqlite3_errmsg(b->db));
	exit(1);
}

static void run(struct bare_store *b, int which)
{
	must(b, sqlite3_step(b->statements[which]));
	must(b, sqlite3_reset(b->statements[which]));
}

static void put(struct bare_store *b, int which, sqlite3_int64 id, int bytes)
{
	static const char filler[RAW_BYTES] = { 1, 2, 3 };
	must(b, sqlite3_bind_int64(b->statements[which], 1, id));
	must(b, sqlite3_bind_blob(b->statements[which], 2, filler, bytes, SQLITE_STATIC));
	run(b, which);
}

static void append_log(struct bare_store *b, sqlite3_int64 saga)
{
	static const char filler[HEAD_BYTES] = { 4 };
	must(b, sqlite3_bind_int64(b->statements[LOG], 1, ++b->number));
	must(b, sqlite3_bind_int64(b->statements[LOG], 2, saga));
	must(b, sqlite3_bind_blob(b->statements[LOG], 3, filler, HEAD_BYTES, SQLITE_STATIC));
	run(b, LOG);
}

static void run_batch(struct bare_store *b)
{
	sqlite3_int64 first = b->saga + 1;
	run(b, BEGIN);
	for (long i = 0; i < b->batch; i++) {
		b->saga++;
		put(b, KEY, b->saga, KEY_BYTES);
		put(b, EVENT, b->saga, RAW_BYTES);
		put(b, SAGA, b->saga, SAGA_BYTES);
		append_log(b, b->saga);
	}
	run(b, COMMIT);
	run(b, BEGIN);
	for (sqlite3_int64 saga = first; saga <= b->saga; saga++) {
		put(b, SETTLE, saga, SETTLED_BYTES);
		append_log(b, saga);
	}
	run(b, COMMIT);
}

static int checkpoint(void *ctx, sqlite3 *db, const char *name, int pages)
{
	(void)ctx;
	return pages >= CHECKPOINT_PAGES
			   ? sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL)
			   : SQLITE_OK;
}

static void open_db(struct bare_store *b, const char *path)
{
	must(b, sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
							NULL));
	must(b, sqlite3_exec(b->db, schema, NULL, NULL, NULL));
	(void)sqlite3_wal_hook(b->db, checkpoint, b);
	for (int i = 0; i < STATEMENTS; i++)
		must(b, sqlite3_prepare_v3(b->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &b->statements[i], NULL));
}

static double clock_us(clockid_t which)
{
	struct timespec t;
	(void)clock_gettime(which, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void measure(struct bare_store *b)
{
	long done = 0;
	double wall = clock_us(CLOCK_MONOTONIC), cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	for (; done + b->batch <= b->events; done += b->batch)
		run_batch(b);
	must(b, sqlite3_wal_checkpoint_v2(b->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
	wall = clock_us(CLOCK_MONOTONIC) - wall;
	cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("{\"events\":%ld,\"batch\":%ld,\"per_s\":%.1f,\"wall_us_each\":%.3f,\"cpu_us_each\":%.3f}\n", done,
		   b->batch, (double)done * 1e6 / wall, wall / (double)done, cpu / (double)done);
}

static void options(struct bare_store *b, int argc, char **argv)
{
	static const struct option table[] = { { "dir", required_argument, NULL, 'd' },
										   { "events", required_argument, NULL, 'e' },
										   { "batch", required_argument, NULL, 'b' },
										   { 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'd')
			b->dir = optarg;
		else if (c == 'e')
			b->events = strtol(optarg, NULL, 10);
		else if (c == 'b')
			b->batch = strtol(optarg, NULL, 10);
	}
	if (b->dir != NULL && b->batch > 0 && b->events >= b->batch)
		return;
	(void)fputs("usage: almoner-bare-store --dir FOLDER [--events N] [--batch N]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct bare_store b = { .events = 32768, .batch = 64 };
	options(&b, argc, argv);
	char *path AUTO_FREE = mem_printf("%s/bare.db", b.dir);
	open_db(&b, path);
	measure(&b);
	for (int i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(b.statements[i]);
	must(&b, sqlite3_close(b.db));
	(void)unlink(path);
	return 0;
}
