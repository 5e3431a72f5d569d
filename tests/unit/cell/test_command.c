/* Commands, and what else reaches the journal through a cell. */
#include <stdlib.h>

#include "saga/store/store_sqlite.h"
#include "tests/unit/cell/cell_fixture.h"

static int setup(void **state)
{
	*state = fixture_open(true);
	fixture_serve(*state);
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static void must_not_come(void *ctx, struct accept *a, const struct accept_result *result)
{
	(void)ctx, (void)a, (void)result;
	fail_msg("a mapped event is answered");
}

struct answers {
	unsigned verbs, jobs, accepts;
	int code;
	unsigned changed;
	int64_t job, saga;
};

static void on_verb(void *ctx, const struct verb_result *result)
{
	struct answers *a = ctx;
	a->verbs++;
	a->code = result->code;
	a->changed = result->changed;
}

static void on_job(void *ctx, const struct job_result *result)
{
	struct answers *a = ctx;
	a->jobs++;
	a->code = result->code;
	a->job = result->job != NULL ? result->job->id : 0;
}

static void on_accept(void *ctx, struct accept *accept, const struct accept_result *result)
{
	struct answers *a = ctx;
	a->accepts++;
	a->code = result->code;
	a->saga = result->saga;
	fixture_event_free(accept);
}

/* Runs the command; the answer comes in the next pump, not before. */
static void run(struct cell_fixture *f, const struct command *command, struct answers *answers)
{
	*answers = (struct answers){ .code = 1 };
	assert_int_equal(command_run(f->cell, command), 0);
	assert_int_equal(answers->code, 1);
	assert_true(cell_pump(f->cell) >= 0);
}

static void each_command_reaches_the_journal(void **state)
{
	struct cell_fixture *f = *state;
	struct answers a;

	struct accept *replay = fixture_event(f, "e1", &a, on_accept);
	replay->actor = "anna";
	run(f, &(struct command){ .kind = COMMAND_REPLAY, .u.accept = replay }, &a);
	assert_int_equal(a.accepts, 1);
	assert_int_equal(a.saga, 1);

	const struct verb_call pause = { .verb = VERB_PAUSE, .step = -1, .actor = "anna", .note = "" };
	run(f, &(struct command){ .kind = COMMAND_VERB, .ctx = &a, .u.verb = { 1, &pause, on_verb } }, &a);
	assert_int_equal(a.verbs, 1);
	assert_int_equal(a.code, 0);
	assert_int_equal(a.changed, 1);

	run(f,
		&(struct command){ .kind = COMMAND_TARGET,
						   .actor = "anna",
						   .ctx = &a,
						   .u.target = { "books", TARGET_PAUSE, on_verb } },
		&a);
	assert_int_equal(a.verbs, 1);
	assert_int_equal(a.changed, 1);

	struct accept *mapped = fixture_event(f, "e1", NULL, must_not_come);
	run(f,
		&(struct command){
			.kind = COMMAND_REPROCESS, .actor = "anna", .ctx = &a, .u.reprocess = { 1, mapped, on_verb } },
		&a);
	fixture_event_free(mapped);
	assert_int_equal(a.verbs, 1);
	assert_int_equal(a.code, ERR_REFUSED); /* it was not quarantined */

	struct job *draft = job_new();
	draft->verb = VERB_RESUME;
	run(f,
		&(struct command){
			.kind = COMMAND_JOB_CREATE, .ctx = &a, .u.job = { .create = draft, .done = on_job } },
		&a);
	job_destroy(draft);
	assert_int_equal(a.jobs, 1);
	assert_int_equal(a.job, 1);
	const struct job_slice slice = { .job = 1, .ids = { 1 }, .count = 1, .position = 1 };
	run(f,
		&(struct command){
			.kind = COMMAND_JOB_SLICE, .ctx = &a, .u.job = { .slice = &slice, .done = on_job } },
		&a);
	assert_int_equal(a.code, 0);
	run(f,
		&(struct command){ .kind = COMMAND_JOB_CANCEL, .ctx = &a, .u.job = { .cancel = 1, .done = on_job } },
		&a);
	assert_int_equal(a.code, 0);
	run(f,
		&(struct command){ .kind = COMMAND_JOB_CANCEL, .ctx = &a, .u.job = { .cancel = 1, .done = on_job } },
		&a);
	assert_int_equal(a.code, ERR_REFUSED);
}

struct found {
	unsigned rejected;
	unsigned records;
};

static int count_rejected(void *ctx, const struct rejected_row *row)
{
	(void)row;
	((struct found *)ctx)->rejected++;
	return 0;
}

static int count_records(void *ctx, const struct log_row *row)
{
	struct found *found = ctx;
	found->records += row->subject == SUBJECT_CONFIG;
	return 0;
}

static struct found read_store(const struct cell_fixture *f)
{
	struct found found = { 0 };
	struct store_reader reader;
	struct err err = { 0 };
	int64_t next;
	if (store_sqlite_open_reader(f->path, NULL, &reader, &err) != 0 ||
		reader.rejected_list(reader.ctx, NULL, 0, 10, &found, count_rejected, &next, &err) != 0 ||
		reader.log_read(reader.ctx, 0, 0, 100, &found, count_records, &next, &err) != 0)
		fail_msg("%s", err.text);
	reader.close(reader.ctx);
	return found;
}

/* These commands have no answer. */
static void rejected_requests_and_records(void **state)
{
	struct cell_fixture *f = *state;
	const struct rejected_row row = {
		.source = STR("forms"), .until_ms = INT64_MAX, .address = STR("x"), .url = STR("/"), .body = STR("{}")
	};
	assert_int_equal(cell_keep_rejected(f->cell, &row, 10000), 0);
	assert_int_equal(command_run(f->cell, &(struct command){ .kind = COMMAND_RECORD,
															 .actor = "SIGHUP",
															 .u.record = { SUBJECT_CONFIG, "loaded" } }),
					 0);
	fixture_run(f);
	struct found found = read_store(f);
	assert_int_equal(found.rejected, 1);
	assert_int_equal(found.records, 1);
	assert_int_equal(
		command_run(f->cell, &(struct command){ .kind = COMMAND_DROP_REJECTED, .u.rejected = 1 }), 0);
	fixture_run(f);
	assert_int_equal(read_store(f).rejected, 0);
}

/* ---- new targets ---- */

static void on_rules(void *ctx, const struct journal_target *targets, size_t count)
{
	assert_int_equal(count, 2);
	*(uint32_t *)ctx = targets[1].id;
}

static void new_targets_get_numbers(void **state)
{
	struct cell_fixture *f = *state;
	const struct journal_target targets[] = { { .name = "books" }, { .name = "crm" } };
	uint32_t id = 0;
	assert_int_equal(cell_set_rules(f->cell, targets, 2, &id, on_rules), 0);
	fixture_run(f);
	assert_int_equal(id, 2);
	struct engine_target_status status[3];
	assert_int_equal(cell_target_status(f->cell, 0, status, 3), 1);
	assert_string_equal(status[0].name, "books");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(each_command_reaches_the_journal), T(rejected_requests_and_records),
										T(new_targets_get_numbers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
