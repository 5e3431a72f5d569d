#include "tests/unit/engine/whole_engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "saga/base/mem.h"
#include "saga/journal/operator_port.h"

const struct target_news whole_one_waits = { .target = 1, .backlog = 1 };
const struct target_news whole_granted = { .target = 1, .claim_done = true, .claim_granted = 1 };

/* ---- the journal's side ---- */

void journal_start(struct journal *j, struct work *w)
{
	j->starts++;
	j->asked = w;
}

void journal_condition_result(struct journal *j, struct work *w, bool verdict)
{
	assert_true(verdict);
	journal_start(j, w);
}

void journal_not_started(struct journal *j, struct work *w)
{
	j->not_started++;
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

void journal_outcome(struct journal *j, struct work *w, const struct outcome *o, const char *hold_reason)
{
	(void)o, (void)hold_reason;
	j->outcomes++;
	work_destroy(w);
}

void journal_spill(struct journal *j, struct work *w)
{
	j->spills++;
	work_destroy(w);
}

void journal_claim(struct journal *j, uint32_t target, uint32_t max)
{
	(void)target;
	j->claims++;
	j->claimed = max;
}

void journal_breaker(struct journal *j, uint32_t target, enum breaker_state state, const char *note)
{
	(void)target;
	j->breaker_not_closed = state != BREAKER_CLOSED;
	snprintf(j->breaker_note, sizeof j->breaker_note, "%s", note);
}

int journal_target_act(struct journal *j, const char *target, enum target_action action, const char *actor,
					   const char *note, void *ctx, void (*done)(void *ctx, const struct verb_result *result))
{
	(void)target, (void)actor, (void)note, (void)ctx, (void)done;
	assert_int_equal(action, TARGET_RELEASE);
	j->releases++;
	return 0;
}

/* ---- clock, connector and transport ---- */

static int64_t now(void *ctx)
{
	return ((struct whole_engine *)ctx)->now_ms;
}

static uint64_t largest(void *ctx, uint64_t bound)
{
	(void)ctx;
	return bound - 1;
}

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)step, (void)attempt;
	(*(unsigned *)ctx)++;
	snprintf(error->text, sizeof error->text, "it never begins");
	return -1;
}

static int eval(void *ctx, const char *program, struct str event, struct str steps, bool *ret,
				struct err *err)
{
	(void)program, (void)event, (void)steps;
	*ret = true;
	return ((struct whole_engine *)ctx)->when_fails ? err_set(err, ERR_INVALID, "no such field") : 0;
}

/* The connector of whole_let_attempts_end. */
static int begin_well(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)step, (void)error;
	*attempt = ctx;
	return 0;
}

static int finish(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				  struct almoner_error *error)
{
	(void)attempt, (void)error;
	const struct whole_engine *r = ctx;
	*action = (struct almoner_action){ .size = sizeof *action };
	action->kind = r->sends && reply == NULL ? ALMONER_SEND_HTTP : ALMONER_FINISH;
	if (action->kind == ALMONER_SEND_HTTP) {
		action->effect = ALMONER_EFFECTS;
		action->http.method = (struct almoner_text)TEXT("POST");
		action->http.url = (struct almoner_text)TEXT("http://crm/gifts");
	} else {
		action->done.result_class = r->every_class;
	}
	return 0;
}

static void end(void *ctx, void *attempt)
{
	(void)ctx, (void)attempt;
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct whole_engine *r = ctx;
	r->request = *request;
	return r;
}

static void cancel(void *ctx, void *exchange)
{
	(void)ctx, (void)exchange;
}

static void log_line(void *ctx, enum engine_log_level level, const char *target, const char *text)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };
	buf_printf(ctx, "%s %s: %s\n", names[level], target, text);
}

int whole_set_up(void **state)
{
	struct whole_engine *r = mem_zalloc(sizeof *r);
	r->now_ms = WHOLE_T0;
	struct engine_options options = { .clock = { r, now, now },
									  .entropy = { r, largest },
									  .transport = { r, submit, cancel },
									  .when = { r, eval },
									  .log = { &r->log, log_line } };
	r->engine = engine_create(&options);
	engine_set_journal(r->engine, &r->journal);
	r->config = (struct engine_target_config){ .id = 1,
											   .name = "crm",
											   .port = { &r->began[0], begin, NULL, NULL },
											   .in_flight = 2,
											   .breaker = { .consecutive = 5, .open_ms = 100, .probes = 1 } };
	engine_set_targets(r->engine, &r->config, 1);
	engine_tick(r->engine);
	*state = r;
	return 0;
}

int whole_tear_down(void **state)
{
	struct whole_engine *r = *state;
	engine_destroy(r->engine);
	buf_free(&r->log);
	free(r);
	return 0;
}

void whole_deliver(struct whole_engine *r, struct work *w, const struct target_news *news)
{
	struct handout d = { .news = news, .news_count = news != NULL };
	STAILQ_INIT(&d.works);
	if (w != NULL)
		STAILQ_INSERT_TAIL(&d.works, w, link);
	engine_deliver(r->engine, &d);
	engine_tick(r->engine);
}

struct work *whole_work(enum work_kind kind)
{
	struct work *w = fixture_work();
	w->kind = kind;
	w->target = 1;
	w->slot = true;
	return w;
}

void whole_answer(struct whole_engine *r, struct work *w, enum work_kind kind)
{
	w->kind = kind;
	whole_deliver(r, w, NULL);
}

void whole_wait(struct whole_engine *r, int64_t ms)
{
	r->now_ms += ms;
	engine_tick(r->engine);
}

struct target_news whole_held_news(int64_t backlog)
{
	struct target_news news = { .target = 1, .backlog = backlog, .state_changed = true };
	news.state.held = true;
	news.state.hold = HOLD_CREDENTIALS;
	return news;
}

void whole_reload(struct whole_engine *r, unsigned port)
{
	r->config.port.ctx = &r->began[port];
	engine_set_targets(r->engine, &r->config, 1);
	engine_tick(r->engine);
}

struct target_news whole_state_news(bool paused, bool breaker_not_closed)
{
	return (struct target_news){ .target = 1,
								 .backlog = 1,
								 .state_changed = true,
								 .state = { .paused = paused, .breaker_not_closed = breaker_not_closed } };
}

enum breaker_state whole_breaker(const struct whole_engine *r)
{
	struct engine_target_status status;
	assert_int_equal(engine_status(r->engine, 1, &status, 1), 1);
	return status.breaker;
}

void whole_exchange(struct whole_engine *r, enum transport_verdict verdict)
{
	static const struct target_news slot = {
		.target = 1, .claim_done = true, .claim_granted = 1, .backlog = 2000
	};
	whole_deliver(r, whole_work(WORK_READY), &slot);
	whole_answer(r, r->journal.asked, WORK_START);
	struct transport_result result = { .verdict = verdict, .detail = "refused" };
	result.reply = (struct almoner_reply){ .size = sizeof result.reply, .status = 200 };
	r->request.done(r->request.ctx, &result);
	engine_tick(r->engine);
}

/* The target's attempts now end with the class `ends_as`, after one exchange if `sends` is set. */
void whole_let_attempts_end(struct whole_engine *r, uint32_t ends_as, bool sends)
{
	r->every_class = ends_as;
	r->sends = sends;
	r->config.port = (struct connector_port){ r, begin_well, finish, end };
	engine_set_targets(r->engine, &r->config, 1);
}
