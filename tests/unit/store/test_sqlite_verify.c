/* What verify finds with SQLite's own integrity check. */
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/sqlite_factory.h"
#include "tests/unit/store/store_fixture.h"

static struct sqlite_factory *sqlite_of(struct store_fixture *f)
{
	return f->factory->ctx;
}

/* Damage that only SQLite's integrity check can see: a NULL in a column that must not be NULL. */
static void put_null(struct store_fixture *f, const char *table, const char *column, const char *type)
{
	static const char *const change = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "
									  "replace(sql, '%s %s%s', '%s %s%s') WHERE name = '%s'";
	char *allow AUTO_FREE = mem_printf(change, column, type, " NOT NULL", column, type, "", table);
	char *update AUTO_FREE = mem_printf("UPDATE %s SET %s = NULL", table, column);
	char *forbid AUTO_FREE = mem_printf(change, column, type, "", column, type, " NOT NULL", table);
	sqlite_factory_sql(sqlite_of(f), allow);
	sqlite_factory_sql(sqlite_of(f), update);
	sqlite_factory_sql(sqlite_of(f), forbid);
}

static void append_line(void *ctx, const char *line)
{
	buf_printf(ctx, "%s\n", line);
}

static void every_table_is_verified(void **state)
{
	static const struct {
		const char *insert, *table, *column, *type, *finding;
	} cases[] = {
		{ "INSERT INTO refused VALUES (1, 's', 0, 0, 0, 1, 'a', 'u', x'00', x'00')", "refused", "address",
		  "TEXT", "table refused: NULL value in refused.address" },
		{ "INSERT INTO refused_total VALUES (0, 's', 1)", "refused_total", "bytes", "INTEGER",
		  "table refused_total: NULL value in refused_total.bytes" },
		{ "INSERT INTO job VALUES (1, 2, 'v', 0, 'f', 'a', 'n', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'h', "
		  "'e')",
		  "job", "actor", "TEXT", "table job: NULL value in job.actor" },
	};
	struct store_fixture *f = *state;
	struct buf AUTO_BUF report = { 0 };
	int64_t findings = 0;
	struct store_reader reader;
	fixture_close(f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		sqlite_factory_sql(sqlite_of(f), cases[i].insert);
		put_null(f, cases[i].table, cases[i].column, cases[i].type);
	}
	must(store_sqlite_open_reader(sqlite_of(f)->path, NULL, &reader, &f->err), &f->err);
	must(reader.verify(reader.ctx, &report, append_line, &findings, &f->err), &f->err);
	reader.close(reader.ctx);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_non_null(strstr(report.data != NULL ? report.data : "", cases[i].finding));
	assert_int_equal(findings, 3);
}

/* Without one of the tables verify cannot check everything, and it says so. */
static void a_missing_table_is_an_error(void **state)
{
	struct store_fixture *f = *state;
	struct buf AUTO_BUF report = { 0 };
	int64_t findings = 0;
	struct store_reader reader;
	fixture_close(f);
	must(store_sqlite_open_reader(sqlite_of(f)->path, NULL, &reader, &f->err), &f->err);
	sqlite_factory_sql(sqlite_of(f), "DROP TABLE refused_total");
	int rc = reader.verify(reader.ctx, &report, append_line, &findings, &f->err);
	reader.close(reader.ctx);
	assert_int_not_equal(rc, 0);
	assert_non_null(strstr(f->err.text, "refused_total"));
}

struct changing_report {
	struct store_fixture *f;
	const char *change; /* runs at the first finding, on another connection; then NULL */
};

static void change_at_first(void *ctx, const char *line)
{
	(void)line;
	struct changing_report *r = ctx;
	if (r->change != NULL)
		sqlite_factory_sql(sqlite_of(r->f), r->change);
	r->change = NULL;
}

static int64_t findings_while_changing(struct store_fixture *f, const char *change)
{
	struct changing_report report = { f, change };
	int64_t findings = 0;
	struct store_reader reader;
	must(store_sqlite_open_reader(sqlite_of(f)->path, NULL, &reader, &f->err), &f->err);
	must(reader.verify(reader.ctx, &report, change_at_first, &findings, &f->err), &f->err);
	reader.close(reader.ctx);
	return findings;
}

/* Two rows are damaged; the second is repaired while the first is reported. Both are in one slice, so verify compares
 * what was stored when the slice began, and reports both. A slice that lasts too long ends between the rows: then the
 * case is tried again. */
static void a_slice_is_of_one_moment(void **state)
{
	static const struct {
		const char *damage, *repair;
	} parts[] = {
		{ "UPDATE log SET at = at + 1", "UPDATE log SET at = at - 1" },
		{ "UPDATE saga SET created = created + 1", "UPDATE saga SET created = created - 1" },
		{ "INSERT INTO step VALUES (0, 91, 0, 1, 2, NULL, 1, 1), (0, 92, 0, 1, 2, NULL, 1, 1)",
		  "DELETE FROM step WHERE saga > 90" },
	};
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	fixture_put(&f->l, &s);
	fixture_close(f);
	assert_int_equal(findings_while_changing(f, NULL), 0);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int64_t findings = 0;
		for (int tries = 0; tries < 10 && findings != 2; tries++) {
			sqlite_factory_sql(sqlite_of(f), parts[i].damage);
			findings = findings_while_changing(f, parts[i].repair);
		}
		assert_int_equal(findings, 2);
		assert_int_equal(findings_while_changing(f, NULL), 0);
	}
}

#define TEST(function)                                                                                       \
	{ .name = #function,                                                                                     \
	  .test_func = (function),                                                                               \
	  .setup_func = fixture_setup,                                                                           \
	  .teardown_func = fixture_teardown,                                                                     \
	  .initial_state = &factory }

int main(void)
{
	struct sqlite_factory sqlite;
	sqlite_factory_init(&sqlite);
	struct store_factory factory = sqlite_factory_of(&sqlite);
	const struct CMUnitTest tests[] = {
		TEST(every_table_is_verified),
		TEST(a_missing_table_is_an_error),
		TEST(a_slice_is_of_one_moment),
	};
	int failed = cmocka_run_group_tests_name("verify of a sqlite store", tests, NULL, NULL);
	sqlite_factory_finish(&sqlite);
	return failed;
}
