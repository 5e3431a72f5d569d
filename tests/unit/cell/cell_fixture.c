#include "tests/unit/cell/cell_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/journal/state/inflight.h"
#include "saga/store/store_sqlite.h"

/* ---- the store, and its failures ---- */

static struct store_writer real;
static atomic_int head_code, commit_code;
static atomic_uint commits_before;

static int failing_head(void *ctx, struct store_head *ret, struct err *err)
{
	int code = atomic_exchange(&head_code, 0);
	return code != 0 ? err_set(err, code, "the head cannot be read") : real.head(ctx, ret, err);
}

/* Nothing was committed: the journal rolls back. */
static int failing_commit(void *ctx, struct err *err)
{
	int code = 0;
	if (atomic_load(&commit_code) != 0 && atomic_fetch_sub(&commits_before, 1) == 0)
		code = atomic_exchange(&commit_code, 0);
	return code != 0 ? err_set(err, code, "the commit did not take place") : real.commit(ctx, err);
}

void fixture_fail_head(int code)
{
	atomic_store(&head_code, code);
}

void fixture_fail_commit(unsigned after, int code)
{
	atomic_store(&commits_before, after);
	atomic_store(&commit_code, code);
}

static void open_files(const struct cell_fixture *f, struct journal_options *options)
{
	struct err err = { 0 };
	if (store_sqlite_open(f->path, NULL, &options->store, &err) != 0 ||
		inflight_open(f->inflight_path, &options->inflight, &err) != 0)
		fail_msg("%s", err.text);
	real = options->store;
	options->store.head = failing_head;
	options->store.commit = failing_commit;
}

/* ---- the connector: one POST, and its status is the result ---- */

struct post_attempt {
	struct cell_fixture *fixture;
	char key[33];
	char body[48];
	struct almoner_header header;
};

static struct almoner_text text(const char *p)
{
	return (struct almoner_text){ p, strlen(p) };
}

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)error;
	struct post_attempt *t = mem_zalloc(sizeof *t);
	t->fixture = ctx;
	step->key(step->key_ctx, "", t->key);
	snprintf(t->body, sizeof t->body, "{\"saga\":%llu}", (unsigned long long)step->saga);
	t->header = (struct almoner_header){ text("Idempotency-Key"), text(t->key) };
	*attempt = t;
	return 0;
}

static int next(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error)
{
	(void)ctx, (void)error;
	const struct post_attempt *t = attempt;
	if (reply != NULL) {
		action->kind = ALMONER_FINISH;
		action->done.result_class = reply->status == 200 ? ALMONER_OK : ALMONER_REJECTED;
		return 0;
	}
	action->kind = ALMONER_SEND_HTTP;
	action->effect = ALMONER_EFFECTS;
	action->http = (struct almoner_http){ .method = text("POST"),
										  .url = text(t->fixture->url),
										  .headers = &t->header,
										  .header_count = 1,
										  .body = text(t->body) };
	return 0;
}

static void end(void *ctx, void *attempt)
{
	(void)ctx;
	free(attempt);
}

static void release(void *ctx)
{
	atomic_fetch_sub(&((struct cell_fixture *)ctx)->ports_open, 1);
}

/* ---- the ports of a driven cell ---- */

static int64_t now(void *ctx)
{
	return ((struct cell_fixture *)ctx)->now_ms;
}

static uint64_t below(void *ctx, uint64_t bound)
{
	(void)ctx;
	return bound / 2;
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct cell_fixture *f = ctx;
	assert_true(f->submitted < FIXTURE_REQUESTS);
	f->requests[f->submitted] = *request;
	f->under_way[f->submitted] = true;
	return &f->under_way[f->submitted++];
}

static void cancel(void *ctx, void *exchange)
{
	*(bool *)exchange = false;
	((struct cell_fixture *)ctx)->cancelled++;
}

static void wake(void *ctx)
{
	((struct cell_fixture *)ctx)->wakes++;
}

/* ---- reports of the cell ---- */

static void failed(void *ctx, const struct err *err)
{
	struct cell_fixture *f = ctx;
	atomic_store(&f->failure, err->code);
	atomic_fetch_add(&f->failures, 1);
}

static void over(void *ctx)
{
	struct cell_fixture *f = ctx;
	assert_true(cell_is_over(f->cell));
	f->overs++;
}

/* ---- life ---- */

static int eval(void *ctx, const char *program, struct str event, struct str steps, bool *ret,
				struct err *err)
{
	(void)ctx, (void)program, (void)event, (void)steps, (void)ret, (void)err;
	fail_msg("no step has a condition");
	return 0;
}

static void make_driven(struct cell_fixture *f, struct cell_options *options)
{
	options->journal.clock = options->engine.clock = (struct clock){ f, now, now };
	options->journal.entropy = (struct entropy){ f, below };
	options->engine.transport = (struct transport){ f, submit, cancel };
	options->engine.wake_ctx = f;
	options->engine.wake = wake;
}

int fixture_try_make(struct cell_fixture *f, struct err *err)
{
	struct journal_target target = { .name = "books",
									 .rules = { .repeat = REPEAT_IDEMPOTENT,
												.repeat_ttl_ms = DAY_MS,
												.retry = { .first_ms = 1, .factor = 1, .cap_ms = 1 } } };
	struct cell_options options = { .journal = { .check_every = 1,
												 .clock = clock_system(),
												 .entropy = entropy_system(),
												 .hooks = { .ctx = f, .failed = failed },
												 .targets = &target,
												 .target_count = 1,
												 .actor = "test" },
									.engine = { .clock = clock_system(), .when = { f, eval } },
									.blames = f->blames,
									.blame_count = f->blame_count,
									.over = over };
	if (f->driven)
		make_driven(f, &options);
	open_files(f, &options.journal);
	int rc = cell_make(f->cell, &options, err);
	if (rc != 0)
		return rc;
	const struct engine_target_config config = {
		.id = target.id,
		.name = "books",
		.port = { f, begin, next, end },
		.release = release,
		.repeat = REPEAT_IDEMPOTENT,
		.in_flight = 4,
		.breaker = { .consecutive = 1000, .open_ms = 1000, .probes = 1 },
		.connect_timeout_ms = 10000,
		.timeout_ms = 10000,
		.reply_cap_bytes = 65536
	};
	atomic_fetch_add(&f->ports_open, 1);
	return cell_set_targets(f->cell, &config, 1);
}

void fixture_serve(struct cell_fixture *f)
{
	struct err err = { 0 };
	if (fixture_try_make(f, &err) != 0 || cell_serve(f->cell, &err) != 0)
		fail_msg("%s", err.text);
}

struct cell_fixture *fixture_open(bool driven)
{
	struct cell_fixture *f = mem_zalloc(sizeof *f);
	f->driven = driven;
	f->now_ms = FIXTURE_T0;
	snprintf(f->dir, sizeof f->dir, "%s/almoner-cell-XXXXXX",
			 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/log.db", f->dir);
	snprintf(f->inflight_path, sizeof f->inflight_path, "%s.sending", f->path);
	snprintf(f->url, sizeof f->url, "http://books/gift");
	struct plan draft = { .route = (char[]){ "r" }, .policy = POLICY_CONTINUE, .step_count = 1 };
	draft.steps[0] = (struct plan_step){ .name = (char[]){ "books" }, .target = (char[]){ "books" } };
	assert_int_equal(plan_create(&draft, &f->plan, NULL), 0);
	f->cell = cell_create();
	return f;
}

void fixture_close(struct cell_fixture *f)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock", ".sending" };
	cell_destroy(f->cell);
	assert_int_equal(atomic_load(&f->ports_open), 0);
	plan_unref(f->plan);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
}

/* ---- events ---- */

struct accept *fixture_event(struct cell_fixture *f, const char *id, void *ctx,
							 void (*done)(void *ctx, struct accept *a, const struct accept_result *result))
{
	struct event_fields fields = { .source = STR("forms"),
								   .event_id = str_of(id),
								   .type = STR("donation.created"),
								   .raw = STR("{\"amount\":1}"),
								   .canonical = STR("{\"amount\":{\"minor\":100}}") };
	struct accept *a = mem_zalloc(sizeof *a);
	a->event = event_create(&fields, FIXTURE_T0);
	a->ctx = ctx;
	a->done = done;
	journal_event_key("forms", id, a->dedup);
	a->start = (struct saga_start){ .plan = f->plan,
									.source = a->event->f.source.p,
									.event_id = a->event->f.event_id.p,
									.type = a->event->f.type.p,
									.gift = "",
									.donor = "",
									.note = "",
									.now_ms = FIXTURE_T0 };
	return a;
}

void fixture_event_free(struct accept *a)
{
	event_unref(a->event);
	free(a);
}

static void answered(void *ctx, struct accept *a, const struct accept_result *result)
{
	*(int *)ctx = result->code;
	fixture_event_free(a);
}

void fixture_accept(struct cell_fixture *f, const char *id, int *code)
{
	*code = 1;
	struct accept *a = fixture_event(f, id, code, answered);
	assert_int_equal(cell_accept(f->cell, a), 0);
}

/* ---- turns ---- */

void fixture_run(struct cell_fixture *f)
{
	for (unsigned turns = 0; turns < 20; turns++) {
		cell_turn(f->cell);
		assert_true(cell_pump(f->cell) >= 0);
		f->now_ms++;
	}
	cell_turn(f->cell);
}

void fixture_reply(struct cell_fixture *f, unsigned number, uint32_t status)
{
	assert_true(number < f->submitted && f->under_way[number]);
	f->under_way[number] = false;
	struct transport_result result = { .verdict = TRANSPORT_REPLY,
									   .reply = { .size = sizeof result.reply, .status = status } };
	f->requests[number].done(f->requests[number].ctx, &result);
}

enum step_state fixture_step(struct cell_fixture *f, int64_t saga)
{
	struct store_reader reader;
	struct saga *s = NULL;
	struct err err = { 0 };
	if (store_sqlite_open_reader(f->path, NULL, &reader, &err) != 0 ||
		reader.saga_get(reader.ctx, saga, &s, &err) != 0)
		fail_msg("%s", err.text);
	assert_non_null(s);
	enum step_state state = (enum step_state)s->steps[0].state;
	saga_destroy(s);
	reader.close(reader.ctx);
	return state;
}
