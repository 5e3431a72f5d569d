#include "gateway/daemon/alerts_thread.h"

#include <stdlib.h>
#include <time.h>

#include "gateway/alerts/attention.h"
#include "gateway/daemon/daemon_internal.h"
#include "saga/base/mem.h"
#include "saga/journal/figures.h"
#include "saga/store/store_sqlite.h"

#define ROUND_EVERY_MS 1000
#define READ_BUDGET_MS 20 /* of the store, in one look */

struct alerts_thread {
	struct daemon *d;
	struct alerts *alerts;
	struct attention *attention; /* the thread's own */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop;
};

/* One look at everything, with what it goes by. */
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
	struct alert_round *l = ctx;
	const struct config_alerts *policy = &l->config->alerts;
	if (*c->source == '\0')
		return; /* what reached no source is nobody's event */
	alerts_counter(l->w->alerts, ALERT_UNVERIFIED, c->source, c->counts[INTAKE_UNVERIFIED], policy,
				   l->now_ms);
	alerts_counter(l->w->alerts, ALERT_TURNED_AWAY, c->source,
				   c->counts[INTAKE_BUSY] + c->counts[INTAKE_LATE], policy, l->now_ms);
}

static void check_target(struct alert_round *l, const struct engine_target_status *t)
{
	struct alerts *a = l->w->alerts;
	bool credentials = t->hold == HOLD_CREDENTIALS;
	if (t->held)
		alerts_level(a, credentials ? ALERT_CREDENTIALS : ALERT_MISCONFIGURED, t->name, 1);
	else if (t->breaker != BREAKER_CLOSED)
		alerts_level(a, ALERT_BREAKER_OPEN, t->name, 1);
	alerts_counter(a, ALERT_FAULT, t->name, t->classes[OUTCOME_FAULT], &l->config->alerts, l->now_ms);
}

static void check_targets(struct alert_round *l)
{
	size_t cap = l->config->target_count;
	struct engine_target_status *targets = mem_zalloc((cap + 1) * sizeof *targets);
	size_t count = engine_status(l->w->d->engine, 0, targets, cap);
	for (size_t i = 0; i < count; i++)
		check_target(l, &targets[i]);
	free(targets);
}

static void add_attention(void *ctx, enum alert_kind kind, const char *subject, int64_t count)
{
	struct alert_round *l = ctx;
	if (kind != ALERT_TARGET_MISSING) /* all its open steps are counted below */
		alerts_level(l->w->alerts, kind, subject, count);
	if (kind == ALERT_QUARANTINED && count >= l->config->limits.quarantine_cap)
		alerts_level(l->w->alerts, ALERT_QUARANTINE_CAP, subject, 1);
}

static bool any_attention(const struct journal_counts *counts)
{
	return counts->sagas[SAGA_ATTENTION] > 0;
}

/* A store that cannot be read now is read at the next look; the last figures stand. */
static void read_attention(struct alert_round *l, const struct journal_counts *counts)
{
	struct attention *t = l->w->attention;
	if (!any_attention(counts)) {
		attention_clear(t);
		return;
	}
	struct store_reader reader;
	if (attention_is_current(t, counts->commits) ||
		store_sqlite_open_reader(l->config->store.path, NULL, &reader, NULL) != 0)
		return;
	(void)!attention_read(t, &reader, counts->commits, READ_BUDGET_MS, NULL);
	reader.close(reader.ctx);
}

static void check_journal(struct alert_round *l)
{
	struct journal_counts counts;
	journal_counts(l->w->d->journal, &counts);
	if (counts.store_gone)
		alerts_level(l->w->alerts, ALERT_STORE_GONE, "store", 1);
	else if (counts.disk_low)
		alerts_level(l->w->alerts, ALERT_DISK_LOW, "store", 1);
	if (counts.wal_blocked_bytes > 0)
		alerts_level(l->w->alerts, ALERT_STORE_HELD_UP, "store", 1);
	for (size_t i = 0; i < counts.target_count; i++)
		if (config_find_target(l->config, str_of(counts.targets[i].name)) < 0)
			alerts_level(l->w->alerts, ALERT_TARGET_MISSING, counts.targets[i].name, counts.targets[i].open);
	read_attention(l, &counts);
	attention_each(l->w->attention, l, add_attention);
	journal_counts_finish(&counts);
}

static void run_round(struct alerts_thread *w)
{
	struct clock clock = w->d->clock;
	struct config *config = daemon_config_get(w->d);
	struct alert_round l = { w, config, clock.now_ms(clock.ctx) };
	intake_counters_each(w->d->intake, &l, check_source);
	check_targets(&l);
	check_journal(&l);
	alerts_update(w->alerts, &config->alerts, l.now_ms, clock.wall_ms(clock.ctx));
	config_unref(config);
}

static void *thread_main(void *ctx)
{
	struct alerts_thread *w = ctx;
	(void)pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		(void)pthread_mutex_unlock(&w->lock);
		run_round(w);
		struct timespec until;
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += ROUND_EVERY_MS / 1000;
		(void)pthread_mutex_lock(&w->lock);
		if (!w->stop)
			(void)pthread_cond_timedwait(&w->stopped, &w->lock, &until);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void destroy(struct alerts_thread *w)
{
	alerts_destroy(w->alerts);
	attention_destroy(w->attention);
	(void)pthread_cond_destroy(&w->stopped);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

int alerts_thread_start(struct daemon *d, struct alerts_thread **ret, struct err *err)
{
	struct alerts_thread *w = mem_zalloc(sizeof *w);
	w->d = d;
	w->alerts = alerts_create(w, on_changed);
	w->attention = attention_create();
	(void)pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_t steady;
	(void)pthread_condattr_init(&steady);
	(void)pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->stopped, &steady);
	(void)pthread_condattr_destroy(&steady);
	if (pthread_create(&w->thread, NULL, thread_main, w) != 0) {
		destroy(w);
		return err_set(err, ERR_SYSTEM, "no thread could be started");
	}
	*ret = w;
	return 0;
}

void alerts_thread_stop(struct alerts_thread *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->stopped);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
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
