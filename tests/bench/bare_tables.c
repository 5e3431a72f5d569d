/* CPU of SQLite alone for each table on the way of an event. The tables of a fresh store get rows of the sizes that
 * file_size.py finds, in batches of 64 events with two commits each: one accepts the events, one settles them. The
 * figures are in saga/DESIGN.md "What an event costs".
 *
 *     almoner-bare-tables FILE      (makes the file) */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "saga/store/store_sqlite.h"

#define EVENTS 100032 /* a multiple of BATCH */
#define BATCH  64

#define MADE_MS "1700000000000"
#define LOG_ROW                                                                                              \
	"INSERT INTO log (no, commit_no, subject, subject_id, at, head) "                                        \
	"VALUES (?1, 1, 1, 1, " MADE_MS ", zeroblob(88))"
#define KEY_ROW "INSERT INTO key_new (id, digest, owner, day) VALUES (?1, randomblob(16), ?1, 19000)"
#define CHAIN_ROW                                                                                            \
	"INSERT INTO chain (commit_no, first, last, at, digest, counters, marks) "                               \
	"VALUES (?1, ?1, ?1, " MADE_MS ", zeroblob(32), zeroblob(20), zeroblob(3))"

/* What is written to one table. ?1 is the number of the row, from 1. NULL: nothing. */
struct table_cost {
	const char *name;
	const char *accept[2]; /* for each event, in the commit that accepts it */
	const char *settle;    /* for each event, in the commit that settles it */
	const char *commit;    /* in each commit */
};

static const struct table_cost tables[] = {
	{ .name = "commits alone" },
	{ .name = "event",
	  .accept = { "INSERT INTO event (saga, version, payload) VALUES (?1, 1, zeroblob(252))" } },
	{ .name = "saga",
	  .accept = { "INSERT INTO saga (id, plan, state, indexed, created, salt, value) "
				  "VALUES (?1, 1, 0, 0, " MADE_MS ", zeroblob(16), zeroblob(90))" },
	  .settle = "UPDATE saga SET plan = 1, state = 5, indexed = 0, created = " MADE_MS
				", salt = zeroblob(16), value = zeroblob(130) WHERE id = ?1" },
	{ .name = "log, two rows", .accept = { LOG_ROW, LOG_ROW } },
	{ .name = "key_new, two rows", .accept = { KEY_ROW, KEY_ROW } },
	{ .name = "chain", .commit = CHAIN_ROW },
};

static void must(sqlite3 *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	fprintf(stderr, "bare_tables: %s\n", sqlite3_errmsg(db));
	exit(1);
}

static double cpu_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	if (sql != NULL)
		must(db, sqlite3_prepare_v2(db, sql, -1, &st, NULL));
	return st;
}

/* Nothing for a NULL statement. */
static void write_row(sqlite3 *db, sqlite3_stmt *st, sqlite3_int64 number)
{
	if (st == NULL)
		return;
	must(db, sqlite3_bind_int64(st, 1, number));
	must(db, sqlite3_step(st));
	must(db, sqlite3_reset(st));
}

/* Microseconds of CPU for one event. */
static double measure(sqlite3 *db, const struct table_cost *t)
{
	sqlite3_stmt *accept[] = { prepare(db, t->accept[0]), prepare(db, t->accept[1]) };
	sqlite3_stmt *settle = prepare(db, t->settle);
	sqlite3_stmt *commit = prepare(db, t->commit);
	sqlite3_int64 rows = 0;
	double began_us = cpu_us();
	for (sqlite3_int64 first = 1; first < EVENTS; first += BATCH) {
		must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
		for (sqlite3_int64 i = first; i < first + BATCH; i++) {
			write_row(db, accept[0], ++rows);
			if (accept[1] != NULL)
				write_row(db, accept[1], ++rows);
		}
		write_row(db, commit, 2 * first);
		must(db, sqlite3_exec(db, "COMMIT; BEGIN IMMEDIATE", NULL, NULL, NULL));
		for (sqlite3_int64 i = first; i < first + BATCH; i++)
			write_row(db, settle, i);
		write_row(db, commit, 2 * first + 1);
		must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	}
	double used_us = cpu_us() - began_us;
	sqlite3_stmt *all[] = { accept[0], accept[1], settle, commit };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		must(db, sqlite3_finalize(all[i]));
	return used_us / EVENTS;
}

/* The tables of the product, so that this program does not have their definitions a second time. */
static sqlite3 *open_fresh(const char *path)
{
	struct store_writer store;
	struct err err = { 0 };
	if (store_sqlite_open(path, NULL, &store, &err) != 0) {
		fprintf(stderr, "bare_tables: %s\n", err.text);
		exit(1);
	}
	store.close(store.ctx);
	sqlite3 *db = NULL;
	must(db, sqlite3_open(path, &db));
	must(db, sqlite3_exec(db, "PRAGMA synchronous = FULL; PRAGMA cache_size = -8000", NULL, NULL, NULL));
	return db;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	sqlite3 *db = open_fresh(argv[1]);
	double commits_us = 0;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		double us = measure(db, &tables[i]);
		commits_us = i == 0 ? us : commits_us;
		printf("%-18s %5.2f us an event%s\n", tables[i].name, us - (i == 0 ? 0 : commits_us),
			   i == 0 ? "" : " more than the commits");
	}
	must(db, sqlite3_close(db));
	return 0;
}
