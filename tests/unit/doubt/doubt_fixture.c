#include "tests/unit/doubt/doubt_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/journal/intake_port.h"
#include "saga/journal/operator_port.h"
#include "saga/journal/state/inflight.h"

const char *promise_name(enum promise p)
{
	static const char *const names[PROMISES] = { "idempotent",    "keyed",
												 "keyed, lapsed", "keyed, lapsed, with look-up",
												 "queryable",     "queryable, with parts",
												 "unsafe" };
	return names[p];
}

/* ---- the sink ---- */

static const struct {
	const char *label;
	enum effect_kind effect_kind;
	bool reads, undoes;
} labels[] = {
	{ "contact", CONTACT, false, false }, { "gift", GIFT, false, false },   { "void", GIFT, false, true },
	{ "remove", CONTACT, false, true },   { "find", CONTACT, true, false }, { "look", GIFT, true, false },
};

static size_t label_of(const char *name)
{
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (strcmp(labels[i].label, name) == 0)
			return i;
	fail_msg("the connector sent %s", name);
	return 0;
}

static unsigned *effect_counter(struct doubt_fixture *s, size_t label)
{
	return labels[label].undoes ? &s->undone[labels[label].effect_kind]
								: &s->applied[labels[label].effect_kind];
}

/* True if the target has seen this key. The same effect must never come with another key, because no test
 * starts a new generation. */
static bool known_key(struct doubt_fixture *s, const struct fixture_call *c)
{
	for (unsigned i = 0; i < s->key_count; i++) {
		if (s->keys[i][0] != c->label[0])
			continue;
		assert_string_equal(s->keys[i] + 1, c->key);
		return true;
	}
	assert_true(s->key_count < sizeof s->keys / sizeof *s->keys);
	snprintf(s->keys[s->key_count++], sizeof *s->keys, "%c%s", c->label[0], c->key);
	return false;
}

void fixture_arrive(struct doubt_fixture *s)
{
	struct fixture_call *c = &s->call;
	assert_true(c->pending && !c->arrived);
	c->arrived = true;
	size_t label = label_of(c->label);
	if (labels[label].reads)
		return;
	bool repeat = known_key(s, c);
	bool recognised = s->promise == IDEMPOTENT || s->promise == KEYED;
	if (!repeat || !recognised)
		(*effect_counter(s, label))++;
}

static uint32_t status_of(const struct doubt_fixture *s, const struct fixture_call *c)
{
	size_t label = label_of(c->label);
	if (!labels[label].reads || s->applied[labels[label].effect_kind] > 0)
		return 200;
	return s->promise == QUERYABLE_PARTS && strcmp(c->label, "look") == 0 && s->applied[CONTACT] > 0 ? 206
																									 : 404;
}

void fixture_answer(struct doubt_fixture *s)
{
	struct fixture_call c = s->call;
	assert_true(c.pending);
	if (!c.arrived)
		fixture_arrive(s);
	s->call.pending = false;
	struct transport_result result = { .verdict = TRANSPORT_REPLY, .reply = { .size = sizeof result.reply } };
	result.reply.status = status_of(s, &c);
	c.request.done(c.request.ctx, &result);
}

/* ---- ports ---- */

static int64_t now(void *ctx)
{
	return ((struct doubt_fixture *)ctx)->now_ms;
}

static uint64_t below(void *ctx, uint64_t bound)
{
	(void)ctx;
	return bound / 2;
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct doubt_fixture *s = ctx;
	assert_false(s->call.pending);
	s->call = (struct fixture_call){ .request = *request, .pending = true };
	snprintf(s->call.label, sizeof s->call.label, "%s", strrchr(request->http->url.p, '/') + 1);
	snprintf(s->call.key, sizeof s->call.key, "%s", request->http->headers[0].value.p);
	size_t len = strlen(s->sent);
	snprintf(s->sent + len, sizeof s->sent - len, "%s%s", len > 0 ? " " : "", s->call.label);
	return s;
}

static void cancel(void *ctx, void *exchange)
{
	(void)exchange;
	((struct doubt_fixture *)ctx)->call.pending = false;
}

static enum admission admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	struct doubt_fixture *s = ctx;
	return engine_admit(s->engine, target, bytes, may_start_in_commit && s->may_start_in_commit);
}

static void deliver(void *ctx, const struct handout *delivery)
{
	engine_deliver(((struct doubt_fixture *)ctx)->engine, delivery);
}

static void failed(void *ctx, const struct err *err)
{
	(void)ctx;
	fail_msg("the journal failed: %s", err->text);
}

static void wake(void *ctx)
{
	(void)ctx;
}

/* ---- life ---- */

static struct step_rules rules_of(enum promise p)
{
	static const enum repeat repeats[PROMISES] = { REPEAT_IDEMPOTENT, REPEAT_KEYED,     REPEAT_KEYED,
												   REPEAT_KEYED,      REPEAT_QUERYABLE, REPEAT_QUERYABLE,
												   REPEAT_UNSAFE };
	return (struct step_rules){ .repeat = repeats[p],
								.repeat_ttl_ms = FIXTURE_TTL_MS,
								.retry = { .first_ms = 1000, .factor = 2, .cap_ms = 60000, .attempts = 5 },
								.can_undo = true,
								.can_lookup =
									p == QUERYABLE || p == QUERYABLE_PARTS || p == KEYED_LAPSED_LOOKUP };
}

static void start(struct doubt_fixture *s)
{
	struct engine_options engine = {
		.clock = { s, now, now }, .transport = { s, submit, cancel }, .wake_ctx = s, .wake = wake
	};
	struct journal_options journal = { .check_every = 1,
									   .clock = { s, now, now },
									   .entropy = { s, below },
									   .hooks = { s, admit, deliver, failed, NULL },
									   .targets = &s->target,
									   .target_count = 1,
									   .actor = "the stage" };
	struct err err = { 0 };
	s->engine = engine_create(&engine);
	if (inflight_open(s->inflight_path, &s->inflight, &err) != 0)
		fail_msg("%s", err.text);
	journal.inflight = s->inflight;
	if (store_sqlite_open(s->path, NULL, &journal.store, &err) != 0 ||
		journal_create(&journal, &s->journal, &err) != 0)
		fail_msg("%s", err.text);
	engine_set_journal(s->engine, s->journal);
	struct engine_target_config config = {
		.id = s->target.id,
		.name = "pair",
		.port = pair_connector_port(s),
		.repeat = s->target.rules.repeat,
		.in_flight = 1,
		.breaker = { .consecutive = 100, .window = 100, .minimum = 100, .open_ms = 1000, .probes = 1 },
		.connect_timeout_ms = 1000,
		.timeout_ms = 30000,
		.reply_cap_bytes = 65536
	};
	engine_set_targets(s->engine, &config, 1);
}

static void stop(struct doubt_fixture *s)
{
	journal_destroy(s->journal);
	inflight_close(s->inflight);
	engine_destroy(s->engine);
	s->call.pending = false;
	assert_int_equal(s->port_open, 0);
}

struct doubt_fixture *fixture_open(enum promise promise, bool may_start_in_commit)
{
	struct doubt_fixture *s = mem_zalloc(sizeof *s);
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(s->dir, sizeof s->dir, "%s/almoner-doubt-XXXXXX", tmp);
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof s->path, "%s/log.db", s->dir);
	snprintf(s->inflight_path, sizeof s->inflight_path, "%s.sending", s->path);
	s->promise = promise;
	s->may_start_in_commit = may_start_in_commit;
	s->now_ms = FIXTURE_T0;
	s->target = (struct journal_target){ .name = "pair", .rules = rules_of(promise) };
	struct plan draft = { .route = (char[]){ "r" }, .policy = POLICY_CONTINUE, .step_count = 1 };
	draft.steps[0] = (struct plan_step){ .name = (char[]){ "pair" }, .target = (char[]){ "pair" } };
	assert_int_equal(plan_create(&draft, &s->plan, NULL), 0);
	start(s);
	fixture_pump(s);
	fixture_tick(s);
	return s;
}

void fixture_close(struct doubt_fixture *s)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock", ".sending" };
	stop(s);
	plan_unref(s->plan);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s%s", s->path, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(s->dir), 0);
	free(s);
}

void fixture_power_cut(struct doubt_fixture *s)
{
	assert_int_equal(unlink(s->inflight_path),
					 0); /* after a power failure its pages may never have been written */
	fixture_kill(s);
}

void fixture_kill(struct doubt_fixture *s)
{
	stop(s);
	s->sent[0] = '\0';
	s->now_ms += s->promise == KEYED_LAPSED || s->promise == KEYED_LAPSED_LOOKUP ? 2 * FIXTURE_TTL_MS : 500;
	start(s);
}

/* ---- moves ---- */

static void accepted(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct doubt_fixture *s = ctx;
	assert_int_equal(result->code, 0);
	s->saga = result->saga;
	event_unref(a->event);
	free(a);
}

void fixture_accept(struct doubt_fixture *s)
{
	struct event_fields f = { .source = STR("forms"),
							  .event_id = STR("e1"),
							  .type = STR("donation.created"),
							  .raw = STR("{}"),
							  .canonical = STR("{\"id\":\"e1\"}") };
	struct accept *a = mem_zalloc(sizeof *a);
	a->event = event_create(&f, s->now_ms);
	a->ctx = s;
	a->done = accepted;
	journal_event_key("forms", "e1", a->dedup);
	a->start = (struct saga_start){ .plan = s->plan,
									.source = a->event->f.source.p,
									.event_id = a->event->f.event_id.p,
									.type = a->event->f.type.p,
									.gift = "",
									.donor = "",
									.note = "",
									.now_ms = s->now_ms };
	assert_int_equal(journal_accept(s->journal, a), 0);
}

static void verb_done(void *ctx, const struct verb_result *result)
{
	(void)ctx;
	assert_int_equal(result->code, 0);
}

void fixture_undo(struct doubt_fixture *s)
{
	struct verb_call call = { .verb = VERB_COMPENSATE, .step = -1, .actor = "a person", .note = "" };
	assert_int_equal(journal_verb(s->journal, s->saga, &call, s, verb_done), 0);
}

void fixture_tick(struct doubt_fixture *s)
{
	engine_tick(s->engine);
}

/* Commits one batch. Requests that the engine makes because of it stay queued. */
void fixture_pump(struct doubt_fixture *s)
{
	struct err err = { 0 };
	assert_true(journal_pump(s->journal) >= 0);
	if (journal_audit(s->journal, &err) != 0)
		fail_msg("%s", err.text);
}

static struct saga *stored(struct doubt_fixture *s)
{
	struct store_reader reader;
	struct saga *saga = NULL;
	struct err err = { 0 };
	if (store_sqlite_open_reader(s->path, NULL, &reader, &err) != 0 ||
		reader.saga_get(reader.ctx, s->saga, &saga, &err) != 0)
		fail_msg("%s", err.text);
	reader.close(reader.ctx);
	return saga;
}

static struct step stored_step(struct doubt_fixture *s)
{
	struct saga *saga = stored(s);
	struct step step = saga->steps[0]; /* its texts are freed with the saga */
	saga_destroy(saga);
	return step;
}

enum step_state fixture_state(struct doubt_fixture *s)
{
	return (enum step_state)stored_step(s).state;
}

enum reason fixture_reason(struct doubt_fixture *s)
{
	return (enum reason)stored_step(s).reason;
}

bool fixture_undoing(struct doubt_fixture *s)
{
	return stored_step(s).direction == DIRECTION_UNDO;
}

static bool at_rest(struct doubt_fixture *s)
{
	enum step_state state = fixture_state(s);
	return state == STEP_SUCCEEDED || state == STEP_ATTENTION;
}

void fixture_finish(struct doubt_fixture *s)
{
	for (unsigned turn = 0; turn < 60; turn++) {
		fixture_tick(s);
		if (s->call.pending)
			fixture_answer(s);
		fixture_tick(s);
		fixture_pump(s);
		if (at_rest(s))
			return;
		s->now_ms += 200;
	}
	fail_msg("it does not come to rest");
}
