/* A target that allows 100 requests in 10 s and says with each reply how many are left. The real engine, a
 * journal and a target in virtual time: 1,000 events lead to no refusal, and are sent about as fast as the
 * target allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/engine/engine.h"
#include "saga/base/mem.h"
#include "saga/journal/engine_port.h"
#include "saga/journal/operator_port.h"
#include "tests/unit/engine/engine_fixture.h"

#define EVENTS    1000
#define WINDOW_MS 10000
#define LIMIT     100

/* A request on its way to the target, or the reply on its way back. */
struct flight {
	struct transport_request request;
	int64_t arrives_ms, replies_ms;
	bool arrived;
	uint32_t status;
	struct almoner_rate rate; /* as the headers of the reply say */
};

struct journal {
	unsigned backlog;          /* steps on disk that are due */
	uint32_t claimed;          /* by the last journal_claim; 0: none is open */
	struct work_list to_start; /* journal_start was called: the intents become durable in the next batch */
	unsigned done;
};

struct limited_target {
	struct journal journal;
	struct engine *engine;
	int64_t now_ms;
	uint64_t random;
	struct flight flights[256];
	size_t flight_count;
	int64_t window_began_ms; /* at the target */
	unsigned in_window, refusals;
	/* how this target is: */
	unsigned exchanges; /* of each attempt, all but the last only read */
	bool reports;       /* false: it says nothing */
	bool rolling;       /* it gives the length of the window, not the time to its end */
	struct almoner_rate last_rate;
};

static uint64_t draw(struct limited_target *t, uint64_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random % below;
}

/* ---- the journal ---- */

void journal_start(struct journal *j, struct work *w)
{
	STAILQ_INSERT_TAIL(&j->to_start, w, link);
}

void journal_condition_result(struct journal *j, struct work *w, bool verdict)
{
	(void)j, (void)w, (void)verdict;
	fail_msg("no step has a condition");
}

void journal_not_started(struct journal *j, struct work *w)
{
	j->backlog++;
	work_destroy(w);
}

void journal_checkpoint(struct journal *j, struct work *w, struct str bytes)
{
	(void)j, (void)w, (void)bytes;
	fail_msg("nothing here gives checkpoints");
}

int journal_record_inflight(struct journal *j, struct work *w, const uint8_t body[INFLIGHT_BODY_BYTES])
{
	(void)j, (void)w, (void)body;
	return 0;
}

void journal_clear_inflight(struct journal *j, struct work *w)
{
	(void)j, (void)w;
}

/* A refused step is due again at once; its delay does not matter here. */
void journal_outcome(struct journal *j, struct work *w, const struct outcome *o, const char *hold_reason)
{
	assert_null(hold_reason);
	if (o->result == OUTCOME_OK)
		j->done++;
	else
		j->backlog++;
	work_destroy(w);
}

void journal_spill(struct journal *j, struct work *w)
{
	j->backlog++;
	work_destroy(w);
}

void journal_claim(struct journal *j, uint32_t target, uint32_t max)
{
	assert_int_equal(target, 1);
	j->claimed = max;
}

void journal_breaker(struct journal *j, uint32_t target, enum breaker_state state, const char *note)
{
	(void)j, (void)target, (void)state, (void)note;
}

int journal_target_act(struct journal *j, const char *target, enum target_action action, const char *actor,
					   const char *note, void *ctx, void (*done)(void *ctx, const struct verb_result *result))
{
	(void)j, (void)target, (void)action, (void)actor, (void)note, (void)ctx, (void)done;
	fail_msg("nothing is held");
	return 0;
}

static struct work *make_work(enum work_kind kind, bool slot)
{
	struct work *w = fixture_work();
	w->kind = kind;
	w->target = 1;
	w->slot = slot;
	w->bytes = 500;
	return w;
}

/* An event is accepted: its step starts in the commit, waits in memory, or waits on disk. */
static void accept_event(struct limited_target *t, struct handout *h)
{
	enum admission a = engine_admit(t->engine, 1, 500, true);
	if (a == ADMISSION_DISK) {
		t->journal.backlog++;
		return;
	}
	struct work *w = make_work(a == ADMISSION_SLOT ? WORK_START : WORK_READY, false);
	STAILQ_INSERT_TAIL(&h->works, w, link);
}

/* One batch: new events, intents, and the answer to a claim. */
static void commit(struct limited_target *t, unsigned new_events)
{
	struct journal *j = &t->journal;
	struct target_news news = { .target = 1 };
	struct handout h = { .news = &news, .news_count = 1 };
	STAILQ_INIT(&h.works);
	while (!STAILQ_EMPTY(&j->to_start)) {
		struct work *w = STAILQ_FIRST(&j->to_start);
		STAILQ_REMOVE_HEAD(&j->to_start, link);
		w->kind = WORK_START;
		STAILQ_INSERT_TAIL(&h.works, w, link);
	}
	for (unsigned i = 0; i < new_events; i++)
		accept_event(t, &h);
	news.claim_done = j->claimed > 0;
	for (; j->claimed > 0 && j->backlog > 0; j->claimed--, j->backlog--, news.claim_granted++) {
		struct work *w = make_work(WORK_READY, true);
		STAILQ_INSERT_TAIL(&h.works, w, link);
	}
	j->claimed = 0;
	news.backlog = j->backlog;
	news.next_due_ms = j->backlog > 0 ? t->now_ms : INT64_MAX;
	engine_deliver(t->engine, &h);
}

/* ---- the connector ---- */

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)ctx, (void)step, (void)error;
	*attempt = mem_zalloc(sizeof(unsigned));
	return 0;
}

static int next(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error)
{
	(void)error;
	struct limited_target *t = ctx;
	unsigned *sent = attempt;
	if (*sent == t->exchanges || (reply != NULL && reply->status == 429)) {
		action->kind = ALMONER_FINISH;
		action->done.result_class = reply->status == 429 ? ALMONER_BUSY : ALMONER_OK;
		action->done.rate = t->last_rate;
		return 0;
	}
	action->kind = ALMONER_SEND_HTTP;
	action->effect = ++*sent == t->exchanges ? ALMONER_EFFECTS : ALMONER_READS;
	action->http.method = (struct almoner_text)TEXT("POST");
	action->http.url = (struct almoner_text)TEXT("http://crm/gifts");
	return 0;
}

static void end(void *ctx, void *attempt)
{
	(void)ctx;
	free(attempt);
}

/* ---- the target ---- */

static void *submit(void *ctx, const struct transport_request *request)
{
	struct limited_target *t = ctx;
	assert_true(t->flight_count < sizeof t->flights / sizeof *t->flights);
	int64_t arrives_ms = t->now_ms + 1 + (int64_t)draw(t, 100);
	t->flights[t->flight_count++] = (struct flight){ .request = *request,
													 .arrives_ms = arrives_ms,
													 .replies_ms = arrives_ms + 1 + (int64_t)draw(t, 200) };
	return t;
}

static void cancel(void *ctx, void *exchange)
{
	(void)ctx, (void)exchange;
	fail_msg("nothing times out");
}

static void arrive(struct limited_target *t, struct flight *f)
{
	if (t->now_ms - t->window_began_ms >= WINDOW_MS) {
		t->window_began_ms = t->now_ms;
		t->in_window = 0;
	}
	f->arrived = true;
	f->status = ++t->in_window > LIMIT ? 429 : 200;
	t->refusals += f->status == 429;
	if (t->reports)
		f->rate = (struct almoner_rate){
			.limit = LIMIT,
			.remaining = t->in_window < LIMIT ? LIMIT - t->in_window : 0,
			.reset_ms = t->rolling ? WINDOW_MS : t->window_began_ms + WINDOW_MS - t->now_ms,
		};
}

static void reply(struct limited_target *t, size_t i)
{
	struct flight f = t->flights[i];
	t->flights[i] = t->flights[--t->flight_count];
	struct transport_result result = { .verdict = TRANSPORT_REPLY,
									   .reply = { .size = sizeof result.reply, .status = f.status } };
	t->last_rate = f.rate;
	f.request.done(f.request.ctx, &result);
}

static void move_flights(struct limited_target *t)
{
	for (size_t i = 0; i < t->flight_count; i++)
		if (!t->flights[i].arrived && t->flights[i].arrives_ms <= t->now_ms)
			arrive(t, &t->flights[i]);
	for (size_t i = t->flight_count; i-- > 0;)
		if (t->flights[i].arrived && t->flights[i].replies_ms <= t->now_ms)
			reply(t, i);
}

/* ---- one run ---- */

static int64_t now(void *ctx)
{
	return ((struct limited_target *)ctx)->now_ms;
}

static void open_target(struct limited_target *t, uint32_t in_flight)
{
	struct engine_options options = { .clock = { t, now, now }, .transport = { t, submit, cancel } };
	struct engine_target_config config = { .id = 1,
										   .name = "crm",
										   .port = { t, begin, next, end },
										   .in_flight = in_flight,
										   .timeout_ms = 30000,
										   .breaker = { .consecutive = 1000, .open_ms = 100, .probes = 1 } };
	STAILQ_INIT(&t->journal.to_start);
	t->now_ms = 1000000;
	t->random = 88172645463325252U;
	t->engine = engine_create(&options);
	engine_set_journal(t->engine, &t->journal);
	engine_set_targets(t->engine, &config, 1);
	engine_tick(t->engine);
}

/* All events come at once, or 40 a second. Returns how long it took until all were done. */
static int64_t run_events(struct limited_target *t, bool at_once)
{
	int64_t began_ms = t->now_ms;
	unsigned accepted = 0;
	while (t->journal.done < EVENTS) {
		unsigned due = at_once ? EVENTS : (unsigned)((t->now_ms - began_ms) / 25) + 1;
		unsigned new_events = (due < EVENTS ? due : EVENTS) - accepted;
		accepted += new_events;
		move_flights(t);
		engine_tick(t->engine);
		commit(t, new_events);
		engine_tick(t->engine);
		t->now_ms += 5;
		if (t->now_ms - began_ms > 3600000)
			fail_msg("%u of %u events are done after an hour", t->journal.done, EVENTS);
	}
	return t->now_ms - began_ms;
}

static void close_target(struct limited_target *t)
{
	engine_destroy(t->engine);
}

struct expected_run {
	unsigned exchanges;
	uint32_t in_flight;
	bool rolling, at_once;
	int64_t slower; /* how many times the shortest possible time it may take, in percent */
};

static void no_request_is_refused(void **state)
{
	(void)state;
	static const struct expected_run runs[] = {
		{ 1, 10, false, true, 103 }, { 1, 10, false, false, 103 }, { 1, 64, false, true, 103 },
		{ 1, 1, false, true, 160 }, /* one after the other: the replies take longer than the limit */
		{ 3, 10, false, true, 103 }, { 3, 10, false, false, 103 }, { 1, 10, true, true, 125 },
		{ 1, 64, true, false, 125 }, { 4, 4, true, true, 150 },
	};
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		struct limited_target t = { .exchanges = runs[i].exchanges,
									.reports = true,
									.rolling = runs[i].rolling };
		open_target(&t, runs[i].in_flight);
		int64_t took_ms = run_events(&t, runs[i].at_once);
		int64_t shortest_ms = (int64_t)EVENTS * runs[i].exchanges * WINDOW_MS / LIMIT;
		if (t.refusals > 0 || took_ms > shortest_ms * runs[i].slower / 100)
			fail_msg("run %zu: %u refusals, %lld ms, the shortest possible time is %lld", i, t.refusals,
					 (long long)took_ms, (long long)shortest_ms);
		close_target(&t);
	}
}

/* The same target without reports: so the test above can fail. */
static void without_reports_requests_are_refused(void **state)
{
	(void)state;
	struct limited_target t = { .exchanges = 1 };
	open_target(&t, 10);
	(void)run_events(&t, true);
	assert_true(t.refusals > 20);
	close_target(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_request_is_refused),
		cmocka_unit_test(without_reports_requests_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
