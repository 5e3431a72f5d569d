/* What the store says afterwards, read as a reader reads it. */
#include <stdlib.h>

#include "tests/unit/journal/rig.h"

static struct store_reader reader_of_rig(struct rig *r)
{
	struct store_reader reader;
	struct err err = { 0 };
	if (store_sqlite_open_reader(r->path, NULL, &reader, &err) != 0)
		fail_msg("%s", err.text);
	return reader;
}

struct saga *rig_saga(struct rig *r, int64_t id)
{
	struct store_reader reader = reader_of_rig(r);
	struct saga *saga = NULL;
	struct err err = { 0 };
	if (reader.saga_get(reader.ctx, id, &saga, &err) != 0)
		fail_msg("saga %lld: %s", (long long)id, err.text);
	reader.close(reader.ctx);
	return saga;
}

void rig_assert_step(struct rig *r, int64_t saga, const char *step, enum step_state state, enum reason reason)
{
	struct saga *s = rig_saga(r, saga);
	int i = plan_find_step(s->plan, step);
	assert_true(i >= 0);
	assert_string_equal(step_state_name((enum step_state)s->steps[i].state), step_state_name(state));
	assert_string_equal(reason_name((enum reason)s->steps[i].reason), reason_name(reason));
	saga_destroy(s);
}

void rig_assert_saga(struct rig *r, int64_t saga, enum saga_state state)
{
	struct saga *s = rig_saga(r, saga);
	assert_string_equal(saga_state_name((enum saga_state)s->state), saga_state_name(state));
	saga_destroy(s);
}

struct count_records {
	enum record_kind kind;
	unsigned count;
};

static int count_in_row(void *ctx, const struct log_row *row)
{
	struct count_records *c = ctx;
	struct records_reader reader = records_read(row->head, row->personal);
	struct record record;
	struct err err = { 0 };
	int rc;
	while ((rc = records_next(&reader, &record, &err)) == 1)
		c->count += record.kind == c->kind ? 1 : 0;
	assert_int_equal(rc, 0);
	return 0;
}

unsigned rig_records(struct rig *r, int64_t saga, enum record_kind kind)
{
	struct store_reader reader = reader_of_rig(r);
	struct count_records c = { .kind = kind };
	struct err err = { 0 };
	int64_t next = 0;
	if (reader.log_read(reader.ctx, saga, 0, 100000, &c, count_in_row, &next, &err) != 0)
		fail_msg("%s", err.text);
	reader.close(reader.ctx);
	return c.count;
}

static void say(void *ctx, const char *line)
{
	(void)ctx;
	print_message("verify: %s\n", line);
}

void rig_verify(struct rig *r)
{
	struct store_reader reader = reader_of_rig(r);
	struct err err = { 0 };
	int64_t findings = -1;
	if (reader.verify(reader.ctx, NULL, say, &findings, &err) != 0)
		fail_msg("%s", err.text);
	reader.close(reader.ctx);
	assert_int_equal(findings, 0);
}

struct journal_counts rig_counts(struct rig *r)
{
	struct journal_counts c;
	journal_counts(r->j, &c);
	free(c.targets);
	c.targets = NULL;
	return c;
}
