#include "gateway/alerts/alerts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "saga/base/buf.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* What is gone has to stay gone this long before its alert ends: a condition that comes and goes is one
 * alert. */
#define CLEAR_AFTER_MS 5000
/* The window of a counter goes on in so many steps. */
#define SLOTS 16

/* Where a threshold stands in the configuration; 0 there: this alert is never raised. */
#define POLICY(member) offsetof(struct config_alerts, member)
#define ALWAYS         SIZE_MAX /* one is enough */

static const struct alert_rule {
	size_t threshold; /* POLICY: raised from this value on */
	size_t after;     /* POLICY: … once it has been there so long; ALWAYS: at once */
	bool rate;        /* ends at a quarter of where it was raised; else below it */
	const char *text; /* {n}, {subject}, {window}; {for one|for more} */
} rules[ALERT_KINDS] = {
	[ALERT_UNVERIFIED] = { POLICY(unverified), ALWAYS, true,
						   "{n} {request|requests} within {window} {was|were} refused with 401, without a "
						   "signature that "
						   "a secret of source {subject} fits. If the platform sent them, mend "
						   "sources.{subject}.secrets (or verify) and reload, or restart where $env has it; "
						   "what "
						   "it sends only once is kept with keep_refused: almoner refused list --source "
						   "{subject}" },
	[ALERT_TURNED_AWAY] = { POLICY(turned_away), ALWAYS, true,
							"{n} {event|events} within {window} {was|were} answered 503 and {has|have} to be "
							"sent again: the store "
							"is slow or full, the source is paused, or a limit is reached; the log's lines "
							"event=refused say which" },
	[ALERT_QUARANTINED] = { POLICY(quarantined), ALWAYS, false,
							"{n} authentic {event|events} cannot be used as received: almoner saga list "
							"--state "
							"attention --source {subject} names what is wrong; mend sources.{subject}.map, "
							"reload, then almoner event reprocess --all --source {subject}" },
	[ALERT_QUARANTINE_CAP] = { ALWAYS, ALWAYS, false,
							   "as many events as limits.quarantine_cap allows are in quarantine, further "
							   "ones are answered 503: mend sources.{subject}.map, reload, and almoner event "
							   "reprocess them" },
	[ALERT_GIFT_MISSING] = { ALWAYS, ALWAYS, false,
							 "{n} {event speaks|events speak} of gifts that have not come: look for them at "
							 "the platform, and "
							 "whether it is told to send the event that makes the gift" },
	[ALERT_FAULT] = { ALWAYS, ALWAYS, false,
					  "{n} {step|steps} ended in fault, a bug in the connector or a template: almoner saga "
					  "list "
					  "--target {subject} --state attention; mend it, reload, then almoner saga resume --all "
					  "--target {subject}" },
	[ALERT_IN_DOUBT] = { POLICY(attention), ALWAYS, false,
						 "{n} {step|steps} may or may not have worked: look each up at {subject}, then "
						 "almoner saga "
						 "resolve ID STEP --done or --not-done, or almoner saga redo ID STEP" },
	[ALERT_UNDO_FAILED] = { ALWAYS, ALWAYS, false,
							"{n} {undo|undos} failed, and what should be undone still stands: almoner saga "
							"list "
							"--target {subject} --state attention; mend and retry, or undo by hand and "
							"resolve" },
	[ALERT_ATTENTION] = { POLICY(attention), ALWAYS, false,
						  "{n} {step needs|steps need} a person (rejected or given up): almoner saga list "
						  "--target {subject} "
						  "--state attention; mend the cause, then almoner saga resume --all --target "
						  "{subject}" },
	[ALERT_CREDENTIALS] = { ALWAYS, ALWAYS, false,
							"held: it refuses our credentials. Put new ones into targets.{subject} and "
							"reload, or "
							"restart where $env has them; nothing is lost meanwhile (almoner target show "
							"{subject})" },
	[ALERT_MISCONFIGURED] = { ALWAYS, ALWAYS, false,
							  "held: 20 different events in a row were rejected. Mend "
							  "targets.{subject}.settings "
							  "and reload, or almoner target resume {subject} (almoner target show "
							  "{subject})" },
	[ALERT_TARGET_MISSING] = { ALWAYS, ALWAYS, false,
							   "{n} open {step waits|steps wait} for a target that is not in the "
							   "configuration: put it back, "
							   "or settle them with almoner saga skip" },
	[ALERT_BREAKER_OPEN] = { ALWAYS, POLICY(breaker_open_ms), false,
							 "it has not answered well for a while, its steps wait: almoner target show "
							 "{subject} tells its last error" },
	[ALERT_STORE_GONE] = { ALWAYS, ALWAYS, false,
						   "the file of the store, or its -wal, was removed, renamed or replaced: events are "
						   "answered "
						   "503. Move it back, and it goes on; if it was deleted, copy what the daemon has "
						   "open in "
						   "/proc/PID/fd before the daemon ends" },
	[ALERT_DISK_LOW] = { ALWAYS, ALWAYS, false,
						 "free space is below store.reserve: events are answered 503 and no attempt starts "
						 "until there is room; make room, no restart is needed" },
	[ALERT_STORE_HELD_UP] = { ALWAYS, ALWAYS, false,
							  "another program reads the store's file in one long transaction (a shell, a "
							  "copy): its write-ahead log grows until the disk is down to store.reserve; end "
							  "that program" },
};

const char *alert_name(enum alert_kind kind)
{
	static const char *const names[] = {
#define ALERT_NAME(value, name) [value] = (name),
		ALERT_TABLE(ALERT_NAME)
#undef ALERT_NAME
	};
	return (unsigned)kind < ALERT_KINDS ? names[kind] : "?";
}

struct counter_window {
	uint64_t last; /* the counter's total as it was told */
	int64_t slot;  /* number of the slot that fills */
	int64_t slot_ms;
	uint64_t grown[SLOTS];
};

struct alert_condition {
	TAILQ_ENTRY(alert_condition) link;
	enum alert_kind kind;
	char *subject;
	int64_t level;
	struct counter_window window;
	int64_t value; /* the greater of the two, as it was judged last */
	bool present;
	int64_t present_ms; /* since when */
	bool below;
	int64_t below_ms; /* since when */
	bool raised;
	int64_t since_ms;
	char *text;
};

struct alerts {
	void *ctx;
	void (*changed)(void *ctx, bool raised, const struct alert *alert);
	pthread_mutex_t lock;
	TAILQ_HEAD(, alert_condition)
	conditions; /* sources and targets ever configured times kinds; never more */
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

/* Kept by kind and, within one, in the order they came. */
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
	if (value <= 0)
		return;
	pthread_mutex_lock(&a->lock);
	condition_of(a, kind, subject)->level += value;
	pthread_mutex_unlock(&a->lock);
}

/* ---- counters ---- */

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
	int64_t slot_ms = policy->window_ms / (SLOTS - 1);
	pthread_mutex_lock(&a->lock);
	struct alert_condition *c = condition_of(a, kind, subject);
	window_move(&c->window, slot_ms > 0 ? slot_ms : 1, now_ms);
	if (total > c->window.last)
		c->window.grown[c->window.slot % SLOTS] += total - c->window.last;
	c->window.last = total;
	pthread_mutex_unlock(&a->lock);
}

/* ---- judging ---- */

static int64_t policy_of(const struct config_alerts *policy, size_t threshold, int64_t otherwise)
{
	if (threshold == ALWAYS)
		return otherwise;
	int64_t value;
	memcpy(&value, (const char *)policy + threshold, sizeof value);
	return value;
}

static void add_word(struct buf *out, const struct alert_condition *c, const struct config_alerts *policy,
					 struct str word)
{
	char span[CLOCK_SPAN_BYTES];
	const char *bar = memchr(word.p, '|', word.len);
	clock_span(policy->window_ms, span);
	if (str_is(word, "n"))
		buf_printf(out, "%lld", (long long)c->value);
	else if (bar != NULL && c->value == 1)
		buf_add(out, word.p, (size_t)(bar - word.p));
	else if (bar != NULL)
		buf_add(out, bar + 1, (size_t)(word.p + word.len - bar - 1));
	else
		buf_text(out, str_is(word, "subject") ? c->subject : span);
}

static void write_text(struct alert_condition *c, const struct config_alerts *policy)
{
	struct buf out = { 0 };
	for (const char *p = rules[c->kind].text; *p != '\0';) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		if (end == NULL) {
			buf_byte(&out, (uint8_t)*p++);
			continue;
		}
		add_word(&out, c, policy, (struct str){ p + 1, (size_t)(end - p - 1) });
		p = end + 1;
	}
	free(c->text);
	c->text = buf_take(&out);
}

static struct alert alert_of(const struct alert_condition *c)
{
	return (struct alert){ alert_name(c->kind), c->subject, c->since_ms, c->text };
}

static void raise_it(struct alerts *a, struct alert_condition *c, const struct config_alerts *policy,
					 int64_t wall_ms)
{
	c->raised = true;
	c->below = false;
	c->since_ms = wall_ms;
	write_text(c, policy);
	struct alert alert = alert_of(c);
	a->changed(a->ctx, true, &alert);
}

static void end_it(struct alerts *a, struct alert_condition *c)
{
	struct alert alert = alert_of(c);
	c->raised = false;
	c->present = false;
	a->changed(a->ctx, false, &alert);
}

static void update_absent(struct alerts *a, struct alert_condition *c, const struct config_alerts *policy,
						  int64_t now_ms, int64_t wall_ms)
{
	int64_t threshold = policy_of(policy, rules[c->kind].threshold, 1);
	bool present = threshold > 0 && c->value >= threshold;
	if (present && !c->present)
		c->present_ms = now_ms;
	c->present = present;
	if (present && now_ms - c->present_ms >= policy_of(policy, rules[c->kind].after, 0))
		raise_it(a, c, policy, wall_ms);
}

/* It ends well below where it was raised: a counter at a quarter, everything else below the threshold. */
static void update_raised(struct alerts *a, struct alert_condition *c, const struct config_alerts *policy,
						  int64_t now_ms)
{
	int64_t threshold = policy_of(policy, rules[c->kind].threshold, 1);
	bool below = threshold == 0 || c->value < (rules[c->kind].rate ? (threshold + 3) / 4 : threshold);
	if (below && !c->below)
		c->below_ms = now_ms;
	c->below = below;
	if (below && now_ms - c->below_ms >= CLEAR_AFTER_MS)
		end_it(a, c);
	else if (!below)
		write_text(c, policy);
}

/* What grew in a window counts where nothing is open for it: a fault whose saga was undone at once. */
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
