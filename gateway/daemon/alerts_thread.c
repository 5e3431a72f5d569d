#include "gateway/daemon/alerts_thread.h"

#include <stdlib.h>

#include "gateway/alerts/attention.h"
#include "gateway/daemon/daemon_internal.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"
#include "saga/store/store_sqlite.h"

/* The pause and the time of a round are chosen, no measurement: an operator does not see a delay of 1 s,
 * and 20 ms a second are 2 % of one CPU. */
#define ROUND_EVERY_MS 1000
#define READ_BUDGET_MS 20 /* how long one round may read the store */

struct alerts_thread {
	struct daemon *d;
	struct alerts *alerts;
	struct attention *attention; /* counts of what is in attention; only the thread uses them */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop;
};

/* One round over everything that can raise an alert: the configuration and the time that count in it. */
struct alert_round {
	struct alerts_thread *w;
	const struct config *config;
	int64_t now_ms;
};

static void on_changed(void *ctx, bool raised, const struct alert *alert)
{
	struct alerts_thread *w = ctx;
	logger_line(w->d->logger, raised ? CONFIG_LOG_WARNING : CONFIG_LOG_INFO, raised ? "alert" : "alert_ended",
				"name", alert->name, "subject", alert->subject, "text", raised ? alert->text : NULL, NULL);
}

static void check_source(void *ctx, const struct intake_source_counters *c)
{
	struct alert_round *r = ctx;
	const struct config_alerts *policy = &r->config->alerts;
	if (*c->source == '\0')
		return; /* the counters are for requests to no configured source, which raise no alert */
	alerts_counter(r->w->alerts, ALERT_UNVERIFIED, c->source, c->counts[INTAKE_UNVERIFIED], policy,
				   r->now_ms);
	alerts_counter(r->w->alerts, ALERT_TURNED_AWAY, c->source,
				   c->counts[INTAKE_BUSY] + c->counts[INTAKE_LATE], policy, r->now_ms);
}

/* Reports one target: held, or breaker not closed (never both), and its attempts that ended in fault. */
static void check_target(struct alert_round *r, const struct engine_target_status *t)
{
	struct alerts *a = r->w->alerts;
	if (t->held)
		alerts_level(a, t->hold == HOLD_CREDENTIALS ? ALERT_CREDENTIALS : ALERT_MISCONFIGURED, t->name, 1);
	else if (t->breaker != BREAKER_CLOSED)
		alerts_level(a, ALERT_BREAKER_OPEN, t->name, 1);
	alerts_counter(a, ALERT_FAULT, t->name, t->classes[OUTCOME_FAULT], &r->config->alerts, r->now_ms);
}

static void check_targets(struct alert_round *r)
{
	size_t cap = r->config->target_count;
	struct engine_target_status *targets = mem_zalloc((cap + 1) * sizeof *targets);
	size_t count = cell_target_status(r->w->d->cell, 0, targets, cap);
	for (size_t i = 0; i < count; i++)
		check_target(r, &targets[i]);
	free(targets);
}

static void add_attention(void *ctx, enum alert_kind kind, const char *subject, int64_t count)
{
	struct alert_round *r = ctx;
	if (kind != ALERT_TARGET_MISSING) /* check_journal counts all open steps of a missing target, not only
										 those in attention */
		alerts_level(r->w->alerts, kind, subject, count);
	if (kind == ALERT_QUARANTINED && count >= r->config->limits.quarantine_cap)
		alerts_level(r->w->alerts, ALERT_QUARANTINE_CAP, subject, 1);
}

static bool any_attention(const struct journal_counts *counts)
{
	return counts->sagas[SAGA_ATTENTION] > 0;
}

/* If the store cannot be read now, the figures of the last round stay, and the next round tries again. */
static void read_attention(struct alert_round *r, const struct journal_counts *counts)
{
	struct attention *t = r->w->attention;
	if (!any_attention(counts)) {
		attention_clear(t);
		return;
	}
	struct store_reader reader;
	if (attention_is_current(t, counts->commits) ||
		store_sqlite_open_reader(r->config->store.path, NULL, &reader, NULL) != 0)
		return;
	(void)!attention_read(t, &reader, counts->commits, READ_BUDGET_MS, NULL);
	reader.close(reader.ctx);
}

/* Disk, write-ahead log, targets that are missing in the configuration, and everything in attention. */
static void check_journal(struct alert_round *r)
{
	struct journal_counts counts;
	if (!cell_counts(r->w->d->cell, &counts))
		return; /* the daemon stops */
	if (counts.store_gone)
		alerts_level(r->w->alerts, ALERT_STORE_GONE, "store", 1);
	else if (counts.disk_low)
		alerts_level(r->w->alerts, ALERT_DISK_LOW, "store", 1);
	if (counts.wal_blocked_bytes > 0)
		alerts_level(r->w->alerts, ALERT_STORE_HELD_UP, "store", 1);
	for (size_t i = 0; i < counts.target_count; i++)
		if (config_find_target(r->config, str_of(counts.targets[i].name)) < 0)
			alerts_level(r->w->alerts, ALERT_TARGET_MISSING, counts.targets[i].name, counts.targets[i].open);
	read_attention(r, &counts);
	attention_each(r->w->attention, r, add_attention);
	journal_counts_finish(&counts);
}

static void run_round(struct alerts_thread *w)
{
	struct clock clock = w->d->clock;
	struct config *config = daemon_config_get(w->d);
	struct alert_round r = { w, config, clock.now_ms(clock.ctx) };
	intake_counters_each(w->d->intake, &r, check_source);
	check_targets(&r);
	check_journal(&r);
	alerts_update(w->alerts, &config->alerts, r.now_ms, clock.wall_ms(clock.ctx));
	config_unref(config);
}

/* Waits on the monotonic clock, so that a jump of the wall clock neither stops nor repeats rounds. */
static void *thread_main(void *ctx)
{
	struct alerts_thread *w = ctx;
	pthread_setname_np(pthread_self(), "alerts"); /* the name that top, gdb and profilers show */
	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		pthread_mutex_unlock(&w->lock);
		run_round(w);
		const struct timespec until = clock_deadline(ROUND_EVERY_MS);
		pthread_mutex_lock(&w->lock);
		if (!w->stop)
			pthread_cond_timedwait(&w->stopped, &w->lock, &until);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void free_parts(struct alerts_thread *w)
{
	alerts_destroy(w->alerts);
	attention_destroy(w->attention);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void destroy(struct alerts_thread *w)
{
	pthread_cond_destroy(&w->stopped);
	free_parts(w);
}

/* The first round runs at once, so `almoner status` shows alerts from the start. */
int alerts_thread_start(struct daemon *d, struct alerts_thread **ret, struct err *err)
{
	assert(d->intake != NULL);
	struct alerts_thread *w = mem_zalloc(sizeof *w);
	w->d = d;
	w->alerts = alerts_create(w, on_changed);
	w->attention = attention_create();
	pthread_mutex_init(&w->lock, NULL);
	if (clock_condition_init(&w->stopped) != 0) {
		free_parts(w);
		return err_set(err, ERR_SYSTEM, "the thread for alerts cannot wait on the monotonic clock");
	}
	if (pthread_create(&w->thread, NULL, thread_main, w) != 0) {
		destroy(w);
		return err_set(err, ERR_SYSTEM, "the thread for alerts does not start");
	}
	*ret = w;
	return 0;
}

void alerts_thread_stop(struct alerts_thread *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->stopped);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	destroy(w);
}

static void add_json(void *ctx, const struct alert *alert)
{
	char since[CLOCK_TEXT_BYTES];
	clock_rfc3339(alert->since_ms, since);
	json_array_append_new(ctx, json_pack("{s:s, s:s, s:s, s:s}", "name", alert->name, "subject",
										 alert->subject, "since", since, "text", alert->text));
}

json_t *alerts_thread_json(struct alerts_thread *w)
{
	json_t *list = json_array();
	alerts_each(w->alerts, list, add_json);
	return list;
}
