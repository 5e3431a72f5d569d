#include "tests/unit/doubt/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"

const char *promise_name(enum promise p)
{
	static const char *const names[PROMISES] = { "idempotent",    "keyed",
												 "keyed, lapsed", "keyed, lapsed, with look-up",
												 "queryable",     "unsafe" };
	return names[p];
}

/* ---- the sink --------------------------------------------------------------------------------------------
 */

static const struct {
	const char *label;
	enum thing thing;
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

static unsigned *made(struct stage *s, size_t label)
{
	return labels[label].undoes ? &s->undone[labels[label].thing] : &s->applied[labels[label].thing];
}

/* True when the target has seen this key. It must never see another one for the same thing: nobody asked for
 * a new generation. */
static bool known_key(struct stage *s, const struct stage_call *c)
{
	for (unsigned i = 0; i < s->key_count; i++) {
		if (s->keys[i][0] != c->label[0])
			continue;
		assert_string_equal(s->keys[i] + 1, c->key);
		return true;
	}
	assert_true(s->key_count < sizeof s->keys / sizeof *s->keys);
	(void)snprintf(s->keys[s->key_count++], sizeof *s->keys, "%c%s", c->label[0], c->key);
	return false;
}

void stage_arrive(struct stage *s)
{
	struct stage_call *c = &s->call;
	assert_true(c->pending && !c->arrived);
	c->arrived = true;
	size_t label = label_of(c->label);
	if (labels[label].reads)
		return;
	bool repeat = known_key(s, c);
	bool recognised = s->promise == IDEMPOTENT || s->promise == KEYED;
	if (!repeat || !recognised)
		(*made(s, label))++;
}

static uint32_t status_of(const struct stage *s, const struct stage_call *c)
{
	size_t label = label_of(c->label);
	return labels[label].reads && s->applied[labels[label].thing] == 0 ? 404 : 200;
}

void stage_answer(struct stage *s)
{
	struct stage_call c = s->call;
	assert_true(c.pending);
	if (!c.arrived)
		stage_arrive(s);
	s->call.pending = false;
	struct transport_result result = { .verdict = TRANSPORT_REPLY, .reply = { .size = sizeof result.reply } };
	result.reply.status = status_of(s, &c);
	c.request.done(c.request.ctx, &result);
}

/* ---- ports -----------------------------------------------------------------------------------------------
 */

static int64_t now(void *ctx)
{
	return ((struct stage *)ctx)->now_ms;
}

static uint64_t below(void *ctx, uint64_t bound)
{
	(void)ctx;
	return bound / 2;
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct stage *s = ctx;
	assert_false(s->call.pending);
	s->call = (struct stage_call){ .request = *request, .pending = true };
	(void)snprintf(s->call.label, sizeof s->call.label, "%s", strrchr(request->http->url.p, '/') + 1);
	(void)snprintf(s->call.key, sizeof s->call.key, "%s", request->http->headers[0].value.p);
	size_t len = strlen(s->sent);
	(void)snprintf(s->sent + len, sizeof s->sent - len, "%s%s", len > 0 ? " " : "", s->call.label);
	return s;
}

static void cancel(void *ctx, void *exchange)
{
	(void)exchange;
	((struct stage *)ctx)->call.pending = false;
}

static enum admit admit(void *ctx, uint32_t target, size_t bytes, bool may_ride)
{
	struct stage *s = ctx;
	return engine_admit(s->engine, target, bytes, may_ride && s->may_ride);
}

static void deliver(void *ctx, const struct delivery *delivery)
{
	engine_deliver(((struct stage *)ctx)->engine, delivery);
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

/* ---- life ------------------------------------------------------------------------------------------------
 */

static struct step_rules rules_of(enum promise p)
{
	static const enum repeat repeats[PROMISES] = { REPEAT_IDEMPOTENT, REPEAT_KEYED,     REPEAT_KEYED,
												   REPEAT_KEYED,      REPEAT_QUERYABLE, REPEAT_UNSAFE };
	return (struct step_rules){ .repeat = repeats[p],
								.repeat_ttl_ms = STAGE_TTL_MS,
								.retry = { .first_ms = 1000, .factor = 2, .cap_ms = 60000, .attempts = 5 },
								.can_undo = true,
								.can_lookup = p == QUERYABLE || p == KEYED_LAPSED_LOOK };
}

static void start(struct stage *s)
{
	struct engine_options engine = {
		.clock = { s, now, now }, .transport = { s, submit, cancel }, .wake_ctx = s, .wake = wake
	};
	struct journal_options journal = { .clock = { s, now, now },
									   .entropy = { s, below },
									   .hooks = { s, admit, deliver, failed, NULL },
									   .targets = &s->target,
									   .target_count = 1,
									   .actor = "the stage" };
	struct err err = { 0 };
	s->engine = engine_create(&engine);
	if (sending_open(s->sending_path, &s->sending, &err) != 0)
		fail_msg("%s", err.text);
	journal.sending = s->sending;
	if (store_sqlite_open(s->path, NULL, &journal.store, &err) != 0 ||
		journal_create(&journal, &s->journal, &err) != 0)
		fail_msg("%s", err.text);
	engine_set_journal(s->engine, s->journal);
	struct engine_target_config config = {
		.id = s->target.id,
		.name = "pair",
		.port = two_port(s),
		.repeat = s->target.rules.repeat,
		.in_flight = 1,
		.breaker = { .consecutive = 100, .window = 100, .minimum = 100, .open_ms = 1000, .probes = 1 },
		.connect_timeout_ms = 1000,
		.timeout_ms = 30000,
		.reply_cap_bytes = 65536
	};
	engine_set_targets(s->engine, &config, 1);
}

static void stop(struct stage *s)
{
	journal_destroy(s->journal);
	sending_close(s->sending);
	engine_destroy(s->engine);
	s->call.pending = false;
	assert_int_equal(s->port_open, 0);
}

struct stage *stage_open(enum promise promise, bool may_ride)
{
	struct stage *s = mem_zalloc(sizeof *s);
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(s->dir, sizeof s->dir, "%s/almoner-doubt-XXXXXX", tmp);
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof s->path, "%s/log.db", s->dir);
	(void)snprintf(s->sending_path, sizeof s->sending_path, "%s.sending", s->path);
	s->promise = promise;
	s->may_ride = may_ride;
	s->now_ms = STAGE_T0;
	s->target = (struct journal_target){ .name = "pair", .rules = rules_of(promise) };
	struct plan draft = { .route = (char[]){ "r" }, .policy = POLICY_CONTINUE, .step_count = 1 };
	draft.steps[0] = (struct plan_step){ .name = (char[]){ "pair" }, .target = (char[]){ "pair" } };
	assert_int_equal(plan_create(&draft, &s->plan, NULL), 0);
	start(s);
	stage_pump(s);
	stage_tick(s);
	return s;
}

void stage_close(struct stage *s)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock", ".sending" };
	stop(s);
	plan_unref(s->plan);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char path[128];
		(void)snprintf(path, sizeof path, "%s%s", s->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(s->dir), 0);
	free(s);
}

void stage_power_cut(struct stage *s)
{
	assert_int_equal(unlink(s->sending_path), 0); /* its pages may never have been written */
	stage_kill(s);
}

void stage_kill(struct stage *s)
{
	stop(s);
	s->sent[0] = '\0';
	s->now_ms += s->promise == KEYED_LAPSED || s->promise == KEYED_LAPSED_LOOK ? 2 * STAGE_TTL_MS : 500;
	start(s);
}

/* ---- moves -----------------------------------------------------------------------------------------------
 */

static void accepted(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct stage *s = ctx;
	assert_int_equal(result->code, 0);
	s->saga = result->saga;
	event_unref(a->event);
	free(a);
}

void stage_accept(struct stage *s)
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

void stage_undo(struct stage *s)
{
	struct verb_call call = { .verb = VERB_COMPENSATE, .step = -1, .actor = "a person", .note = "" };
	assert_int_equal(journal_verb(s->journal, s->saga, &call, s, verb_done), 0);
}

void stage_tick(struct stage *s)
{
	engine_tick(s->engine);
}

/* One batch: what it made the engine ask for is not handled yet. */
void stage_pump(struct stage *s)
{
	struct err err = { 0 };
	assert_true(journal_pump(s->journal) >= 0);
	if (journal_audit(s->journal, &err) != 0)
		fail_msg("%s", err.text);
}

static struct saga *stored(struct stage *s)
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

static struct step stored_step(struct stage *s)
{
	struct saga *saga = stored(s);
	struct step step = saga->steps[0]; /* its texts are gone after this */
	saga_destroy(saga);
	return step;
}

enum step_state stage_state(struct stage *s)
{
	return (enum step_state)stored_step(s).state;
}

enum reason stage_reason(struct stage *s)
{
	return (enum reason)stored_step(s).reason;
}

bool stage_undoing(struct stage *s)
{
	return stored_step(s).direction == DIRECTION_UNDO;
}

static bool at_rest(struct stage *s)
{
	enum step_state state = stage_state(s);
	return state == STEP_SUCCEEDED || state == STEP_ATTENTION;
}

void stage_finish(struct stage *s)
{
	for (unsigned turn = 0; turn < 60; turn++) {
		stage_tick(s);
		if (s->call.pending)
			stage_answer(s);
		stage_tick(s);
		stage_pump(s);
		if (at_rest(s))
			return;
		s->now_ms += 200;
	}
	fail_msg("it does not come to rest");
}
