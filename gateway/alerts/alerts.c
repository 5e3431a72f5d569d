#include "gateway/alerts/alerts.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "saga/base/mem.h"

/* An alert ends only when its condition has been absent for this long, so that a condition that comes and
 * goes is one alert. Chosen, no measurement: five rounds of alerts_thread.c. */
#define CLEAR_AFTER_MS 5000
/* A window consists of SLOTS slots and moves by one slot. Chosen, no measurement: the window is right to a
 * 15th. */
#define SLOTS 16

/* By how much a counter has grown within the window. */
struct counter_window {
	uint64_t last; /* the counter's total in the last call of alerts_counter */
	int64_t slot;  /* number of the current slot: time divided by slot_ms */
	int64_t slot_ms;
	uint64_t grown[SLOTS]; /* by how much the counter grew in each slot; a ring */
};

/* One kind of alert at one subject, raised or not. Made when it is first reported, and kept until the end. */
struct alert_condition {
	TAILQ_ENTRY(alert_condition) link;
	enum alert_kind kind;
	char *subject;
	int64_t level; /* the sum of the round that runs, for a condition that is a level */
	struct counter_window window;
	int64_t value; /* the value of the last round: the level, or for a counter its growth in the window */
	bool present;  /* the alert is not raised, but the value has been at the threshold since present_ms */
	int64_t present_ms;
	bool below; /* the alert is raised, but the value has been low enough to end it since below_ms */
	int64_t below_ms;
	bool raised;
	int64_t since_ms; /* wall clock */
	char *text;       /* NULL until it is raised */
};

struct alerts {
	void *ctx;
	void (*changed)(void *ctx, bool raised, const struct alert *alert);
	pthread_mutex_t lock;
	TAILQ_HEAD(, alert_condition)
	/* all conditions, sorted by kind; at most kinds × sources and targets that were ever configured */
	conditions;
};

struct alerts *alerts_create(void *ctx, void (*changed)(void *ctx, bool raised, const struct alert *alert))
{
	struct alerts *a = mem_zalloc(sizeof *a);
	a->ctx = ctx;
	a->changed = changed;
	pthread_mutex_init(&a->lock, NULL);
	TAILQ_INIT(&a->conditions);
	return a;
}

void alerts_destroy(struct alerts *a)
{
	if (a == NULL)
		return;
	struct alert_condition *c;
	while ((c = TAILQ_FIRST(&a->conditions)) != NULL) {
		TAILQ_REMOVE(&a->conditions, c, link);
		free(c->subject);
		free(c->text);
		free(c);
	}
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Finds the condition or makes it: sorted by kind, and within a kind in the order of the first report. */
static struct alert_condition *condition_of(struct alerts *a, enum alert_kind kind, const char *subject)
{
	struct alert_condition *c;
	TAILQ_FOREACH(c, &a->conditions, link)
	{
		if (c->kind > kind)
			break;
		if (c->kind == kind && strcmp(c->subject, subject) == 0)
			return c;
	}
	struct alert_condition *fresh = mem_zalloc(sizeof *fresh);
	fresh->kind = kind;
	fresh->subject = mem_strdup(subject);
	if (c != NULL)
		TAILQ_INSERT_BEFORE(c, fresh, link);
	else
		TAILQ_INSERT_TAIL(&a->conditions, fresh, link);
	return fresh;
}

void alerts_level(struct alerts *a, enum alert_kind kind, const char *subject, int64_t value)
{
	assert((unsigned)kind < ALERT_KINDS);
	if (value <= 0)
		return;
	pthread_mutex_lock(&a->lock);
	condition_of(a, kind, subject)->level += value;
	pthread_mutex_unlock(&a->lock);
}

/* ---- counters ---- */

/* Empties the slots between the last call and now. A changed length of the window empties all of them. */
static void window_move(struct counter_window *w, int64_t slot_ms, int64_t now_ms)
{
	int64_t slot = now_ms / slot_ms;
	if (w->slot_ms != slot_ms || slot - w->slot >= SLOTS || slot < w->slot) {
		memset(w->grown, 0, sizeof w->grown);
		w->slot_ms = slot_ms;
		w->slot = slot;
	}
	while (w->slot < slot)
		w->grown[++w->slot % SLOTS] = 0;
}

static int64_t window_value(const struct counter_window *w)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < SLOTS; i++)
		sum += w->grown[i];
	return sum < INT64_MAX ? (int64_t)sum : INT64_MAX;
}

void alerts_counter(struct alerts *a, enum alert_kind kind, const char *subject, uint64_t total,
					const struct config_alerts *policy, int64_t now_ms)
{
	assert((unsigned)kind < ALERT_KINDS && now_ms >= 0);
	int64_t slot_ms = policy->window_ms / (SLOTS - 1);
	pthread_mutex_lock(&a->lock);
	struct alert_condition *c = condition_of(a, kind, subject);
	window_move(&c->window, slot_ms > 0 ? slot_ms : 1, now_ms);
	if (total > c->window.last)
		c->window.grown[c->window.slot % SLOTS] += total - c->window.last;
	c->window.last = total;
	pthread_mutex_unlock(&a->lock);
}

/* ---- raising and ending ---- */

static void write_text(struct alert_condition *c, const struct config_alerts *policy)
{
	free(c->text);
	c->text = alert_kind_text(c->kind, c->subject, c->value, policy);
}

static struct alert alert_of(const struct alert_condition *c)
{
	return (struct alert){ alert_kind_name(c->kind), c->subject, c->since_ms, c->text };
}

static void raise_alert(struct alerts *a, struct alert_condition *c, const struct config_alerts *policy,
						int64_t wall_ms)
{
	c->raised = true;
	c->below = false;
	c->since_ms = wall_ms;
	write_text(c, policy);
	struct alert alert = alert_of(c);
	a->changed(a->ctx, true, &alert);
}

static void end_alert(struct alerts *a, struct alert_condition *c)
{
	struct alert alert = alert_of(c);
	c->raised = false;
	c->present = false;
	a->changed(a->ctx, false, &alert);
}

/* Raises the alert when its value has been at the threshold for the delay of its kind. */
static void update_absent(struct alerts *a, struct alert_condition *c, const struct config_alerts *policy,
						  int64_t now_ms, int64_t wall_ms)
{
	int64_t threshold = alert_kind_threshold(c->kind, policy);
	bool present = threshold > 0 && c->value >= threshold;
	if (present && !c->present)
		c->present_ms = now_ms;
	c->present = present;
	if (present && now_ms - c->present_ms >= alert_kind_delay_ms(c->kind, policy))
		raise_alert(a, c, policy, wall_ms);
}

/* Ends the alert when its value has been low enough for CLEAR_AFTER_MS; until then the text shows the current
 * value. */
static void update_raised(struct alerts *a, struct alert_condition *c, const struct config_alerts *policy,
						  int64_t now_ms)
{
	int64_t threshold = alert_kind_threshold(c->kind, policy);
	bool below = threshold == 0 || c->value < alert_kind_end_below(c->kind, policy);
	if (below && !c->below)
		c->below_ms = now_ms;
	c->below = below;
	if (below && now_ms - c->below_ms >= CLEAR_AFTER_MS)
		end_alert(a, c);
	else if (!below)
		write_text(c, policy);
}

/* A level replaces the growth of the counter: while faulty steps are open, their number is the value. Only a
 * fault whose saga was undone at once leaves no open step, and then the counter shows it. */
static void take_value(struct alert_condition *c)
{
	if (c->level > 0)
		memset(c->window.grown, 0, sizeof c->window.grown);
	c->value = c->level > 0 ? c->level : window_value(&c->window);
	c->level = 0;
}

void alerts_update(struct alerts *a, const struct config_alerts *policy, int64_t now_ms, int64_t wall_ms)
{
	struct alert_condition *c;
	pthread_mutex_lock(&a->lock);
	TAILQ_FOREACH(c, &a->conditions, link)
	{
		take_value(c);
		if (c->raised)
			update_raised(a, c, policy, now_ms);
		else
			update_absent(a, c, policy, now_ms, wall_ms);
	}
	pthread_mutex_unlock(&a->lock);
}

void alerts_each(struct alerts *a, void *ctx, void (*each)(void *ctx, const struct alert *alert))
{
	struct alert_condition *c;
	pthread_mutex_lock(&a->lock);
	TAILQ_FOREACH(c, &a->conditions, link)
	{
		struct alert alert = alert_of(c);
		if (c->raised)
			each(ctx, &alert);
	}
	pthread_mutex_unlock(&a->lock);
}
