/* Internal to the engine: what its files share. Only the engine's thread uses it, except for the inbox and
 * admission control, which have a mutex each. */
#ifndef ALMONER_ENGINE_INTERNAL_H
#define ALMONER_ENGINE_INTERNAL_H

#include <pthread.h>

#include "gateway/engine/target.h"
#include "gateway/engine/target_health.h"

/* Bounds of one tick, so that the event loop stays responsive; chosen, no measurement. */
#define ENGINE_STARTS_PER_TICK 256
#define ENGINE_SPILLS_PER_TICK 256
/* the shortest time between two log lines about failed attempts of one target */
#define ENGINE_LOG_EVERY_MS 10000

/* The copied arguments of one call of engine_set_targets. */
struct target_set {
	STAILQ_ENTRY(target_set) link;
	size_t count;
	char **names; /* the names of the targets; targets[i].name points to names[i] */
	struct engine_target_config *targets;
};

/* What other threads delivered since the last tick. */
struct inbox_content {
	struct work_list works;
	struct target_news *news;
	size_t news_count, news_cap;
	STAILQ_HEAD(, target_set)
	/* sets of targets from reloads, oldest first; the engine must take over each set, or the ports in it
	 * would leak */
	sets;
};

struct inbox {
	pthread_mutex_t lock;
	struct inbox_content content;
	bool wake_pending; /* options.wake was called since the last tick */
};

struct engine {
	struct engine_options options;
	struct journal *journal;
	struct attempt_host host;
	struct admission_control *admission;
	struct inbox inbox;
	struct target_list targets;
	struct engine_target *first_target; /* the target with which the last round began; NULL: none */
	struct target_news *pending_news;   /* the latest news of targets whose settings have not arrived yet */
	size_t pending_count, pending_cap;
	struct attempt_list ended; /* attempts whose outcome is not reported to the journal yet */
	uint32_t active_attempts;  /* attempts that have not ended */
	int64_t now_ms, wall_ms;
	bool now_known, wall_known; /* the clock was read in this tick: the steady clock, the wall clock */
	bool more_work;             /* the last tick reached its bound of starts or spills */
	bool draining;
	bool aborted; /* the drain is over: attempts that had not ended were cut off */
	int64_t drain_until_ms;
	/* work.engine of a work that is with the journal (journal_start, journal_condition_result) and has a
	 * slot but no attempt points to one of these two; `mark_probe` if the work is the probe of a held
	 * target. */
	char mark_start;
	char mark_probe;
};

/* ---- inbox.c ---- */

void inbox_init(struct inbox *box);
void inbox_finish(struct inbox *box);
/* Both functions put something into the inbox and return whether the engine must be woken. Thread: any. */
bool inbox_deliver(struct inbox *box, const struct handout *handout);
bool inbox_set_targets(struct inbox *box, const struct engine_target_config *targets, size_t count);
/* Moves everything that was delivered to `ret`, which the caller frees with inbox_content_free. */
void inbox_take(struct inbox *box, struct inbox_content *ret);
void inbox_content_free(struct inbox_content *content);

/* ---- context.c ---- */

/* The steady clock and the time of day (saga/base/clock.h). Each is read once a tick. */
int64_t engine_now_ms(struct engine *e);
int64_t engine_wall_ms(struct engine *e);
/* NULL: there is no such target. */
struct engine_target *engine_find_target(struct engine *e, uint32_t id);
/* `t` may be NULL. */
void engine_log_line(struct engine *e, enum engine_log_level level, const struct engine_target *t,
					 const char *text);

/* ---- receive.c ---- */

/* Takes over the delivered sets of targets. Without a journal (the engine is being destroyed) it only
 * takes over the ports, so that they are released. */
void receive_targets(struct engine *e, const struct inbox_content *in);
void receive_works(struct engine *e, struct work_list *works);
void receive_news(struct engine *e, const struct target_news *news, size_t count);

/* ---- target_events.c ---- */

/* A hold or a pause has ended, or the breaker has closed: the target starts again at the foot of its ramp,
 * after a random delay of at most ENGINE_RELEASE_SPREAD_MS, so that targets unblocked together do not
 * start together. */
void target_event_unblocked(struct engine *e, struct engine_target *t);
/* Gives the signal to the target's breaker. A transition is logged and reported to the journal. */
void target_event_breaker(struct engine *e, struct engine_target *t, enum breaker_signal signal);
/* Asks the journal to end the hold. t->held changes when the journal's news arrive. `note` is the reason
 * for the log. */
void target_event_end_hold(struct engine *e, struct engine_target *t, const char *note);

/* ---- delivery.c ---- */

/* A work of kind WORK_START: begins its attempt, or gives its permit back. `t` NULL: the target was
 * removed. */
void delivery_start(struct engine *e, struct engine_target *t, struct work *w);
/* The engine's functions for struct attempt_host, which describes them; `ctx` is the engine. */
void delivery_attempt_ended(void *ctx, struct attempt *a, const struct outcome *outcome);
void delivery_checkpoint(void *ctx, struct attempt *a, struct str bytes);
bool delivery_record_inflight(void *ctx, struct attempt *a);
/* Reports the outcomes of all attempts in e->ended to the journal. */
void delivery_report(struct engine *e);
/* Ends the target's attempts whose deadline has passed. */
void delivery_expire(struct engine *e, struct engine_target *t);
/* The drain is over: cuts off all attempts. */
void delivery_abort_all(struct engine *e);

/* ---- dispatch.c ---- */

/* One round over all targets. */
void dispatch_run(struct engine *e);
/* For a ready work whose slot is reserved: evaluates the step's `when` condition, if it has one, and asks
 * the journal for the intent. */
void dispatch_request_start(struct engine *e, struct engine_target *t, struct work *w);
/* Passes the target's rules and status on to admission control when they have changed. */
void dispatch_publish(struct engine *e, struct engine_target *t);

#endif
