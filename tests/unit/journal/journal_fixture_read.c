/* What the store contains after a test step, read through a reader connection. */
#include <stdlib.h>

#include "tests/unit/journal/journal_fixture.h"

struct store_reader fixture_reader(struct journal_fixture *r)
{
	struct store_reader reader;
	struct err err = { 0 };
	int rc = r->memory != NULL ? memory_store_open_reader(r->memory, &reader, &err)
							   : store_sqlite_open_reader(r->path, NULL, &reader, &err);
	if (rc != 0)
		fail_msg("%s", err.text);
	return reader;
}

struct saga *fixture_saga(struct journal_fixture *r, int64_t id)
{
	struct store_reader reader = fixture_reader(r);
	struct saga *saga = NULL;
	struct err err = { 0 };
	if (reader.saga_get(reader.ctx, id, &saga, &err) != 0)
		fail_msg("saga %lld: %s", (long long)id, err.text);
	reader.close(reader.ctx);
	return saga;
}

void fixture_assert_step(struct journal_fixture *r, int64_t saga, const char *step, enum step_state state,
						 enum reason reason)
{
	struct saga *s = fixture_saga(r, saga);
	int i = plan_find_step(s->plan, step);
	assert_true(i >= 0);
	assert_string_equal(name_of_step_state((enum step_state)s->steps[i].state), name_of_step_state(state));
	assert_string_equal(name_of_reason((enum reason)s->steps[i].reason), name_of_reason(reason));
	saga_destroy(s);
}

void fixture_assert_saga(struct journal_fixture *r, int64_t saga, enum saga_state state)
{
	struct saga *s = fixture_saga(r, saga);
	assert_string_equal(name_of_saga_state((enum saga_state)s->state), name_of_saga_state(state));
	saga_destroy(s);
}

struct count_records {
	enum record_kind kind;
	unsigned count;
};

static int count_row_records(void *ctx, const struct log_row *row)
{
	struct count_records *c = ctx;
	struct records_reader reader = records_read(row->head, row->personal, row->at_ms);
	struct record record;
	struct err err = { 0 };
	int rc;
	while ((rc = records_next(&reader, &record, &err)) == 1)
		c->count += record.kind == c->kind ? 1 : 0;
	assert_int_equal(rc, 0);
	return 0;
}

unsigned fixture_records(struct journal_fixture *r, int64_t saga, enum record_kind kind)
{
	struct store_reader reader = fixture_reader(r);
	struct count_records c = { .kind = kind };
	struct err err = { 0 };
	int64_t next = 0;
	if (reader.log_read(reader.ctx, saga, 0, 100000, &c, count_row_records, &next, &err) != 0)
		fail_msg("%s", err.text);
	reader.close(reader.ctx);
	return c.count;
}

static void print_finding(void *ctx, const char *line)
{
	(void)ctx;
	print_message("verify: %s\n", line);
}

void fixture_verify(struct journal_fixture *r)
{
	struct store_reader reader = fixture_reader(r);
	struct err err = { 0 };
	int64_t findings = -1;
	if (reader.verify(reader.ctx, NULL, print_finding, &findings, &err) != 0)
		fail_msg("%s", err.text);
	reader.close(reader.ctx);
	assert_int_equal(findings, 0);
}

struct journal_counts fixture_counts(struct journal_fixture *r)
{
	struct journal_counts c;
	journal_counts(r->j, &c);
	free(c.targets);
	c.targets = NULL;
	return c;
}
