/* Measures microseconds per event of the store's writing path: an event with three targets is accepted and settled.
 * Beside it SQLite alone does the least that any design needs, with the same settings: it inserts one event and three
 * steps, and updates the steps. Both run together, because disks differ and change over time.
 *
 *     bench_store [--dir FOLDER] [--events N] [--fill N] [--terms N]
 *
 * Each event claims two keys, its own and its gift's; --terms adds search rows. At the end it prints the bytes
 * of the file for each event. */
#include <getopt.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/store/store_sqlite.h"

#define RAW_BYTES       600
#define CANONICAL_BYTES 420
#define SAGA_BYTES      170
#define HEAD_BYTES      90
#define PERSONAL_BYTES  60

struct store_bench {
	const char *folder;
	int events;
	int fill;
	int terms; /* search rows for each event */
	struct store_writer store;
	sqlite3 *bare;
	sqlite3_stmt *bare_begin, *bare_commit, *bare_event, *bare_step, *bare_settle;
	int64_t saga; /* last one */
	int64_t number;
	struct chain_row chain;
	struct plan *plan;
	struct event **events_ready; /* made beforehand: not the store's work */
};

struct cost {
	double wall_us;
	double cpu_us;
};

static void must(int rc, const struct err *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_store: %s\n", err->text);
	exit(1);
}

static void must_sqlite(struct store_bench *b, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	fprintf(stderr, "bench_store: %s\n", sqlite3_errmsg(b->bare));
	exit(1);
}

static double clock_us(clockid_t which)
{
	struct timespec t;
	(void)clock_gettime(which, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- through the store port ---- */

static void append(struct store_bench *b, int64_t saga, struct store_chain *chain, bool personal)
{
	static const char filler[256] = { 1, 2, 3 };
	struct err err;
	struct log_row row = { .number = ++b->number,
						   .commit = b->chain.commit + 1,
						   .subject = SUBJECT_SAGA,
						   .subject_id = saga,
						   .at_ms = 1700000000000,
						   .head = { filler, HEAD_BYTES } };
	if (personal) {
		row.personal = (struct str){ filler, PERSONAL_BYTES };
		entropy_bytes(row.salt, sizeof row.salt);
		store_personal_digest(row.salt, row.personal, row.personal_digest);
	}
	must(b->store.log_append(b->store.ctx, &row, &err), &err);
	store_chain_row(chain, &row);
}

static void commit(struct store_bench *b, struct store_chain *chain)
{
	/* ten figures have changed; a full copy of 30 targets takes 600 bytes */
	static const char difference[] = "\2\1\2\20\2\20\1\10\2\1\2\5\2\33\2\1\2\5\2\33\2";
	static const char full[600] = "\1";
	struct err err;
	struct store_writer *w = &b->store;
	b->chain.commit++;
	b->chain.first = b->chain.last + 1;
	b->chain.last = b->number;
	b->chain.counters = store_commit_is_full(b->chain.commit) ? (struct str){ full, sizeof full }
															  : (struct str){ difference, sizeof difference };
	store_chain_figures(chain, &b->chain);
	store_chain_end(chain, b->chain.digest);
	must(w->chain_append(w->ctx, &b->chain, &err), &err);
	must(w->commit(w->ctx, &err), &err);
	if (w->wal_pages(w->ctx) >= 1500)
		must(w->checkpoint(w->ctx, &err), &err);
}

#define BATCH_MAX 512
#define TERMS_MAX 16

/* The keys of an event: what a sender cannot repeat is as good as its id and its gift. */
static void keys_of(const struct event *event, uint8_t key[2][STORE_KEY_BYTES])
{
	memcpy(key, event->digest, 2 * STORE_KEY_BYTES);
}

static void reserve(struct store_bench *b, int at, int batch)
{
	static struct key_reservation keys[2 * BATCH_MAX];
	struct err err;
	for (int i = 0; i < batch; i++) {
		uint8_t key[2][STORE_KEY_BYTES];
		keys_of(b->events_ready[at + i], key);
		for (int k = 0; k < 2; k++) {
			keys[2 * i + k].provisional = b->saga + 1 + i;
			memcpy(keys[2 * i + k].key, key[k], STORE_KEY_BYTES);
		}
	}
	must(b->store.keys_reserve(b->store.ctx, keys, 2 * (size_t)batch, &err), &err);
}

static void claim(struct store_bench *b, const struct event *event, int64_t saga)
{
	struct err err;
	int64_t owner = 0;
	uint8_t key[2][STORE_KEY_BYTES];
	uint8_t terms[TERMS_MAX][STORE_TERM_BYTES];
	keys_of(event, key);
	must(b->store.key_find(b->store.ctx, key[1], &owner, &err), &err);
	for (int k = 0; k < 2; k++)
		must(b->store.key_claim(b->store.ctx, key[k], saga, 19000, &owner, &err), &err);
	for (int i = 0; i < b->terms; i++) {
		memcpy(terms[i], key[0], STORE_TERM_BYTES);
		terms[i][0] ^= (uint8_t)(i + 1);
		terms[i][5] ^= (uint8_t)(i + 1);
	}
	if (b->terms > 0)
		must(b->store.key_add_search(b->store.ctx, saga, (const uint8_t(*)[STORE_TERM_BYTES])terms,
									 (size_t)b->terms, &err),
			 &err);
}

static void accept_one(struct store_bench *b, struct event *event, struct store_chain *chain)
{
	static const char value[SAGA_BYTES] = { 1 };
	struct err err;
	struct store_writer *w = &b->store;
	struct saga_row row = { .id = ++b->saga, .state = SAGA_RUNNING, .created_ms = 1700000000000 };
	row.value = (struct str){ value, sizeof value };
	claim(b, event, row.id);
	must(w->plan_put(w->ctx, b->plan, &row.plan, &err), &err);
	must(w->event_insert(w->ctx, row.id, event, &err), &err);
	must(w->saga_insert(w->ctx, &row, &err), &err);
	append(b, row.id, chain, false);
}

static void settle_one(struct store_bench *b, int64_t saga, struct store_chain *chain)
{
	static const char value[SAGA_BYTES + 60] = { 2 };
	struct err err;
	struct saga_row row = { .id = saga, .plan = 1, .state = SAGA_COMPLETED, .created_ms = 1700000000000 };
	row.value = (struct str){ value, sizeof value };
	must(b->store.saga_update(b->store.ctx, &row, &err), &err);
	append(b, saga, chain, true);
}

static void store_batch(struct store_bench *b, int at, int batch)
{
	struct err err;
	struct store_chain *chain = NULL;
	int64_t first = b->saga + 1;
	must(b->store.begin(b->store.ctx, &err), &err);
	store_chain_begin(&chain, b->chain.digest);
	reserve(b, at, batch);
	for (int i = 0; i < batch; i++)
		accept_one(b, b->events_ready[at + i], chain);
	commit(b, chain);
	must(b->store.begin(b->store.ctx, &err), &err);
	store_chain_begin(&chain, b->chain.digest);
	for (int i = 0; i < batch; i++)
		settle_one(b, first + i, chain);
	commit(b, chain);
}

/* ---- SQLite alone ---- */

static void bare_run(struct store_bench *b, sqlite3_stmt *st)
{
	must_sqlite(b, sqlite3_step(st));
	must_sqlite(b, sqlite3_reset(st));
}

static void bare_accept(struct store_bench *b, const struct event *e)
{
	must_sqlite(b, sqlite3_bind_blob(b->bare_event, 1, e->f.raw.p, (int)e->f.raw.len, SQLITE_STATIC));
	bare_run(b, b->bare_event);
	int64_t id = sqlite3_last_insert_rowid(b->bare);
	for (int s = 0; s < 3; s++) {
		must_sqlite(b, sqlite3_bind_int64(b->bare_step, 1, id * 3 + s));
		must_sqlite(b, sqlite3_bind_int64(b->bare_step, 2, id));
		bare_run(b, b->bare_step);
	}
}

static void bare_batch(struct store_bench *b, int at, int batch)
{
	bare_run(b, b->bare_begin);
	for (int i = 0; i < batch; i++)
		bare_accept(b, b->events_ready[at + i]);
	int64_t last = sqlite3_last_insert_rowid(b->bare);
	bare_run(b, b->bare_commit);
	bare_run(b, b->bare_begin);
	for (int64_t id = last; id > last - 3 * (int64_t)batch; id--) {
		must_sqlite(b, sqlite3_bind_int64(b->bare_settle, 1, id));
		bare_run(b, b->bare_settle);
	}
	bare_run(b, b->bare_commit);
}

static sqlite3_stmt *prepare(struct store_bench *b, const char *sql)
{
	sqlite3_stmt *st = NULL;
	must_sqlite(b, sqlite3_prepare_v3(b->bare, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL));
	return st;
}

static void bare_open(struct store_bench *b)
{
	char *path AUTO_FREE = mem_printf("%s/bare.db", b->folder);
	must_sqlite(b, sqlite3_open_v2(path, &b->bare,
								   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
	must_sqlite(b, sqlite3_exec(b->bare,
								"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192;"
								"PRAGMA wal_autocheckpoint=1500;"
								"CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB);"
								"CREATE TABLE step (id INTEGER PRIMARY KEY, event INTEGER, state INTEGER);",
								NULL, NULL, NULL));
	b->bare_begin = prepare(b, "BEGIN IMMEDIATE");
	b->bare_commit = prepare(b, "COMMIT");
	b->bare_event = prepare(b, "INSERT INTO event (body) VALUES (?1)");
	b->bare_step = prepare(b, "INSERT INTO step (id, event, state) VALUES (?1, ?2, 0)");
	b->bare_settle = prepare(b, "UPDATE step SET state = 4 WHERE id = ?1");
}

static void bare_close(struct store_bench *b)
{
	sqlite3_stmt *all[] = { b->bare_begin, b->bare_commit, b->bare_event, b->bare_step, b->bare_settle };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		(void)sqlite3_finalize(all[i]);
	must_sqlite(b, sqlite3_close(b->bare));
}

/* ---- running ---- */

static struct cost measure(struct store_bench *b, void (*run)(struct store_bench *b, int at, int batch),
						   int events, int batch)
{
	double wall = clock_us(CLOCK_MONOTONIC);
	double cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	int done = 0;
	for (; done + batch <= events; done += batch)
		run(b, done, batch);
	return (struct cost){ (clock_us(CLOCK_MONOTONIC) - wall) / done,
						  (clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / done };
}

static void make_events(struct store_bench *b, int64_t serial)
{
	/* Letters that do not repeat; only the canonical event, which repeats the body, is stored as a difference. */
	static char filler[RAW_BYTES];
	uint8_t noise[RAW_BYTES];
	entropy_bytes(noise, sizeof noise);
	for (size_t i = 0; i < sizeof filler; i++)
		filler[i] = (char)('0' + noise[i] % 64);
	for (int i = 0; i < b->events; i++) {
		char id[40];
		snprintf(id, sizeof id, "evt_%016llx", (unsigned long long)(serial + i));
		struct event_fields f = { .source = STR("stripe"),
								  .event_id = str_of(id),
								  .type = STR("donation.created"),
								  .gift = STR("pi_3P0000000000000000000000"),
								  .donor = STR("somebody@example.org"),
								  .content_type = STR("application/json"),
								  .raw = { filler, RAW_BYTES },
								  .canonical = { filler, CANONICAL_BYTES } };
		event_unref(b->events_ready[i]);
		b->events_ready[i] = event_create(&f, 1700000000000);
	}
}

static void store_open(struct store_bench *b)
{
	struct err err;
	char *path AUTO_FREE = mem_printf("%s/store.db", b->folder);
	must(store_sqlite_open(path, NULL, &b->store, &err), &err);
	struct plan draft = { .route = (char[]){ "donations" }, .step_count = 3 };
	static char name[3][6] = { "crm", "books", "thank" };
	for (int i = 0; i < 3; i++)
		draft.steps[i] = (struct plan_step){ .name = name[i], .target = name[i] };
	must(plan_create(&draft, &b->plan, &err), &err);
}

static void usage(void)
{
	(void)fputs("usage: bench_store [--dir FOLDER] [--events N] [--fill N] [--terms N]\n", stderr);
	exit(2);
}

static int number(const char *text)
{
	char *end = NULL;
	long n = strtol(text, &end, 10);
	if (*end != '\0' || n < 0 || n > 100000000)
		usage();
	return (int)n;
}

static void options(struct store_bench *b, int argc, char **argv)
{
	static const struct option table[] = { { "dir", required_argument, NULL, 'd' },
										   { "events", required_argument, NULL, 'e' },
										   { "fill", required_argument, NULL, 'f' },
										   { "terms", required_argument, NULL, 't' },
										   { 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'd')
			b->folder = optarg;
		else if (c == 'e')
			b->events = number(optarg);
		else if (c == 'f')
			b->fill = number(optarg);
		else if (c == 't')
			b->terms = number(optarg);
		else
			usage();
	}
	if (b->events < BATCH_MAX || b->terms > TERMS_MAX)
		usage();
}

static void fill_store(struct store_bench *b)
{
	for (int done = 0; done < b->fill; done += b->events) {
		make_events(b, done + (int64_t)1000000000);
		(void)measure(b, store_batch, b->events, 512);
	}
}

static void remove_files(const struct store_bench *b)
{
	static const char *const names[] = { "store.db", "store.db-wal", "store.db-shm", "store.db.lock",
										 "bare.db",  "bare.db-wal",  "bare.db-shm" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path AUTO_FREE = mem_printf("%s/%s", b->folder, names[i]);
		(void)unlink(path); /* some are gone already */
	}
	(void)rmdir(b->folder);
}

static void print_size(struct store_bench *b)
{
	struct err err;
	struct stat st;
	char *path AUTO_FREE = mem_printf("%s/store.db", b->folder);
	must(b->store.checkpoint(b->store.ctx, &err), &err);
	if (stat(path, &st) == 0)
		printf("%lld events, %.0f bytes of file each\n", (long long)b->saga,
			   (double)st.st_size / (double)b->saga);
}

static void run_table(struct store_bench *b)
{
	static const int batches[] = { 1, 8, 64, 512 };
	printf("%8s %22s %22s %10s\n", "batch", "store us (cpu)", "bare us (cpu)", "cpu ratio");
	for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
		int events = batches[i] == 1 ? b->events / 8 : b->events;
		make_events(b, (int64_t)(i + 1) * 10000000);
		struct cost bare = measure(b, bare_batch, events, batches[i]);
		struct cost store = measure(b, store_batch, events, batches[i]);
		printf("%8d %12.1f (%7.1f) %12.1f (%7.1f) %10.2f\n", batches[i], store.wall_us, store.cpu_us,
			   bare.wall_us, bare.cpu_us, store.cpu_us / bare.cpu_us);
	}
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/bench_store_XXXXXX";
	struct store_bench b = { .events = 16384 };
	options(&b, argc, argv);
	if (b.folder == NULL)
		b.folder = mkdtemp(folder);
	if (b.folder == NULL)
		return 1;
	b.events_ready = mem_zalloc((size_t)b.events * sizeof(struct event *));
	bare_open(&b);
	store_open(&b);
	fill_store(&b);
	run_table(&b);
	print_size(&b);
	for (int i = 0; i < b.events; i++)
		event_unref(b.events_ready[i]);
	free(b.events_ready);
	plan_unref(b.plan);
	b.store.close(b.store.ctx);
	bare_close(&b);
	remove_files(&b);
	return 0;
}
