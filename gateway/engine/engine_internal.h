/* Inside of the engine: what its files share. Everything belongs to the engine's thread, except the inbox,
 * which has its lock, and the gates, which have theirs. */
#ifndef ALMONER_ENGINE_INTERNAL_H
#define ALMONER_ENGINE_INTERNAL_H

#include <pthread.h>

#include "gateway/engine/target.h"
#include "gateway/engine/target_health.h"

#define ENGINE_STARTS_PER_TICK 256
#define ENGINE_SPILLS_PER_TICK 256
#define ENGINE_LOG_EVERY_MS    10000

/* One call of engine_set_targets. */
struct target_set {
	STAILQ_ENTRY(target_set) link;
	size_t count;
	char **names; /* of the targets */
	struct engine_target_config *targets;
};

/* What other threads brought since the last tick. */
struct inbox_content {
	struct work_list works;
	struct target_news *news;
	size_t news_count, news_cap;
	STAILQ_HEAD(, target_set)
	sets; /* oldest first; all are adopted, so that every port is released in its turn */
};

struct inbox {
	pthread_mutex_t lock;
	struct inbox_content content;
	bool wake_pending; /* wake was called since the last tick */
};

struct engine {
	struct engine_options options;
	struct journal *journal;
	struct attempt_host host;
	struct admission_control *admission;
	struct inbox inbox;
	struct target_list targets;
	struct engine_target *first_target; /* who is first in the next round; NULL: the first */
	struct target_news *pending_news;   /* the last news of targets that are not configured (yet) */
	size_t pending_count, pending_cap;
	struct attempt_list ended; /* their outcomes go to the journal at the next tick */
	uint32_t active_attempts;  /* attempts, those in `ended` not counted */
	int64_t now_ms, wall_ms;
	bool now_known, wall_known; /* that clock was read in this turn */
	bool more_work;             /* the budget of the last tick was used up */
	bool draining;
	bool aborted; /* the drain is over: what was still under way was cut off */
	int64_t drain_until_ms;
	/* Its address marks a work on its way through the journal (work.engine) for which a slot is reserved and
	 * no attempt exists yet: journal_start or journal_condition_result. */
	char mark_start;
	char mark_probe; /* the same for the probe of a held target */
};

/* inbox.c */
void inbox_init(struct inbox *box);
void inbox_finish(struct inbox *box);
/* Both tell whether the engine has to be woken. Thread: any. */
bool inbox_deliver(struct inbox *box, const struct handout *handout);
bool inbox_set_targets(struct inbox *box, const struct engine_target_config *targets, size_t count);
/* Everything that came; the caller owns it. */
void inbox_take(struct inbox *box, struct inbox_content *ret);
void inbox_content_free(struct inbox_content *content);

/* context.c */
int64_t engine_now_ms(struct engine *e);
int64_t engine_wall_ms(struct engine *e);
struct engine_target *engine_find_target(struct engine *e, uint32_t id);
void engine_log_line(struct engine *e, enum engine_log_level level, const struct engine_target *t,
					 const char *text);

/* receive.c: what the journal delivered */
/* In an engine that is being destroyed (without a journal) this only takes the ports over. */
void receive_targets(struct engine *e, const struct inbox_content *in);
void receive_works(struct engine *e, struct work_list *works);
void receive_news(struct engine *e, const struct target_news *news, size_t count);

/* target_events.c */
/* It was barred, or its breaker has closed: it comes back along the ramp, from its foot, after a random
 * moment. */
void target_event_unblocked(struct engine *e, struct engine_target *t);
void target_event_breaker(struct engine *e, struct engine_target *t, enum breaker_signal signal);
/* Ends a hold: in the log, then here by its news. */
void target_event_end_hold(struct engine *e, struct engine_target *t, const char *note);

/* delivery.c: attempts from begin to outcome */
void delivery_start(struct engine *e, struct engine_target *t, struct work *w); /* a START; `t` may be NULL */
void delivery_attempt_ended(void *ctx, struct attempt *a, const struct outcome *outcome);
void delivery_checkpoint(void *ctx, struct attempt *a, struct str bytes);
bool delivery_record_inflight(void *ctx, struct attempt *a);
void delivery_report(struct engine *e); /* outcomes of those that ended */
void delivery_expire(struct engine *e, struct engine_target *t);
void delivery_abort_all(struct engine *e);

/* dispatch.c: what may start now */
void dispatch_run(struct engine *e);
/* A ready work whose slot is reserved: evaluates `when`, asks the journal for the intent. */
void dispatch_request_start(struct engine *e, struct engine_target *t, struct work *w);
void dispatch_publish(struct engine *e, struct engine_target *t);

#endif
