#include "gateway/alerts/alert_kinds.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "saga/base/buf.h"
#include "saga/base/clock.h"

/* Where a threshold or delay is in the configuration; the value 0 there switches the alert off. */
#define POLICY(member) offsetof(struct config_alerts, member)
/* A kind of alert without an option has the threshold 1 and the delay 0. */
#define FIXED SIZE_MAX

static const struct alert_rule {
	size_t threshold; /* POLICY or FIXED */
	size_t delay;     /* POLICY or FIXED */
	/* the value is a number of requests in the window: the alert ends only at a quarter of the threshold */
	bool rate;
} rules[ALERT_KINDS] = {
	[ALERT_UNVERIFIED] = { POLICY(unverified), FIXED, true },
	[ALERT_TURNED_AWAY] = { POLICY(turned_away), FIXED, true },
	[ALERT_QUARANTINED] = { POLICY(quarantined), FIXED, false },
	[ALERT_QUARANTINE_CAP] = { FIXED, FIXED, false },
	[ALERT_GIFT_MISSING] = { FIXED, FIXED, false },
	[ALERT_FAULT] = { FIXED, FIXED, false },
	[ALERT_IN_DOUBT] = { POLICY(attention), FIXED, false },
	[ALERT_UNDO_FAILED] = { FIXED, FIXED, false },
	[ALERT_ATTENTION] = { POLICY(attention), FIXED, false },
	[ALERT_CREDENTIALS] = { FIXED, FIXED, false },
	[ALERT_MISCONFIGURED] = { FIXED, FIXED, false },
	[ALERT_TARGET_MISSING] = { FIXED, FIXED, false },
	[ALERT_BREAKER_OPEN] = { FIXED, POLICY(breaker_open_ms), false },
	[ALERT_STORE_GONE] = { FIXED, FIXED, false },
	[ALERT_DISK_LOW] = { FIXED, FIXED, false },
	[ALERT_STORE_HELD_UP] = { FIXED, FIXED, false },
};

/* {n}: the value; {subject}: the source or target; {window}: alerts.window as text. "(s)" makes a rule for
 * the plural unnecessary. A text names sources and targets, but never a donor, and never what a target has
 * replied. */
static const char *const texts[ALERT_KINDS] = {
	[ALERT_UNVERIFIED] = "{n} request(s) within {window} were refused with 401: no secret of source "
						 "{subject} fits their signature. If the platform sent them, correct "
						 "sources.{subject}.secrets (or verify) and reload; restart if the secret comes "
						 "from $env. With keep_refused the requests are stored: almoner refused list "
						 "--source {subject}",
	[ALERT_TURNED_AWAY] = "{n} event(s) within {window} were answered 503, so the sender must send them "
						  "again. The store is slow or full, the source is paused, or a limit is reached: "
						  "the log lines with event=refused give the reason",
	[ALERT_QUARANTINED] = "{n} authentic event(s) cannot be mapped. For the errors: almoner saga list "
						  "--state attention --source {subject}. Correct sources.{subject}.map, reload, "
						  "then: almoner event reprocess --all --source {subject}",
	[ALERT_QUARANTINE_CAP] = "source {subject} has as many quarantined events as limits.quarantine_cap "
							 "allows; further events that cannot be mapped are answered 503. Correct "
							 "sources.{subject}.map, reload, then: almoner event reprocess --all --source "
							 "{subject}",
	[ALERT_GIFT_MISSING] = "{n} event(s) speak of a gift whose own event has not arrived. Look for the "
						   "gifts at the platform, and check that the platform sends the event type that "
						   "means a gift was made",
	[ALERT_FAULT] = "{n} step(s) ended in fault: an error in the connector or in a template. For the "
					"errors: almoner saga list --target {subject} --state attention. Correct the cause, "
					"reload, then: almoner saga resume --all --target {subject}",
	[ALERT_IN_DOUBT] = "{n} step(s) may or may not have taken effect. Look up each one at {subject}, then: "
					   "almoner saga resolve ID STEP --done or --not-done, or almoner saga redo ID STEP",
	[ALERT_UNDO_FAILED] = "{n} undo(s) failed, so what should be undone still stands. For the errors: "
						  "almoner saga list --target {subject} --state attention. Correct the cause and "
						  "retry, or undo by hand at the target and resolve the step",
	[ALERT_ATTENTION] = "{n} step(s) were rejected or have given up, and need an operator. For the errors: "
						"almoner saga list --target {subject} --state attention. Correct the cause, then: "
						"almoner saga resume --all --target {subject}",
	[ALERT_CREDENTIALS] = "held: target {subject} refuses our credentials. Put new ones into "
						  "targets.{subject} and reload; restart if they come from $env. No event is lost "
						  "meanwhile. Details: almoner target show {subject}",
	[ALERT_MISCONFIGURED] = "held: target {subject} rejected 20 different events in a row. Correct "
							"targets.{subject}.settings and reload, or: almoner target resume {subject}. "
							"Details: almoner target show {subject}",
	[ALERT_TARGET_MISSING] = "{n} open step(s) wait for target {subject}, which is not in the "
							 "configuration. Put the target back, or end the steps: almoner saga skip",
	[ALERT_BREAKER_OPEN] = "the breaker of target {subject} has not closed for a while: the target fails, "
						   "and its steps wait. The last error: almoner target show {subject}",
	[ALERT_STORE_GONE] = "the file of the store, or its -wal, was removed, renamed or replaced: events are "
						 "answered 503. Move the file back, and the daemon continues. If it was deleted, "
						 "copy the files that the daemon holds open in /proc/PID/fd before the daemon ends",
	[ALERT_DISK_LOW] = "the free space is below store.reserve: events are answered 503 and no attempt "
					   "starts. Free some disk space; no restart is needed",
	[ALERT_STORE_HELD_UP] = "another program (a shell, a copy) reads the file of the store in one long "
							"transaction, so the write-ahead log grows until the free space is down to "
							"store.reserve. End that program",
};

static const struct alert_rule *rule_of(enum alert_kind kind)
{
	assert((unsigned)kind < ALERT_KINDS);
	return &rules[kind];
}

const char *alert_kind_name(enum alert_kind kind)
{
	static const char *const names[] = {
#define ALERT_NAME(value, name) [value] = (name),
		ALERT_TABLE(ALERT_NAME)
#undef ALERT_NAME
	};
	return (unsigned)kind < ALERT_KINDS ? names[kind] : "?";
}

static int64_t option_of(const struct config_alerts *policy, size_t option, int64_t fixed)
{
	int64_t value = fixed;
	if (option != FIXED)
		memcpy(&value, (const char *)policy + option, sizeof value);
	return value;
}

int64_t alert_kind_threshold(enum alert_kind kind, const struct config_alerts *policy)
{
	return option_of(policy, rule_of(kind)->threshold, 1);
}

int64_t alert_kind_delay_ms(enum alert_kind kind, const struct config_alerts *policy)
{
	return option_of(policy, rule_of(kind)->delay, 0);
}

int64_t alert_kind_end_below(enum alert_kind kind, const struct config_alerts *policy)
{
	int64_t threshold = alert_kind_threshold(kind, policy);
	return rule_of(kind)->rate ? (threshold + 3) / 4
							   /* the quarter is rounded up, so that a rate of 0 always ends the alert */
							   : threshold;
}

/* ---- texts ---- */

static void add_value(struct buf *out, struct str name, const char *subject, int64_t value,
					  const struct config_alerts *policy)
{
	char window[CLOCK_SPAN_BYTES];
	clock_span(policy->window_ms, window);
	if (str_is(name, "n"))
		buf_printf(out, "%lld", (long long)value);
	else
		buf_text(out, str_is(name, "subject") ? subject : window);
}

/* A name in braces other than n and subject is {window}: the texts are constants of this file, so nothing
 * checks them. */
char *alert_kind_text(enum alert_kind kind, const char *subject, int64_t value,
					  const struct config_alerts *policy)
{
	assert((unsigned)kind < ALERT_KINDS && value >= 0);
	struct buf out = { 0 };
	for (const char *p = texts[kind]; *p != '\0';) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		if (end == NULL) {
			buf_byte(&out, (uint8_t)*p++);
			continue;
		}
		add_value(&out, (struct str){ p + 1, (size_t)(end - p - 1) }, subject, value, policy);
		p = end + 1;
	}
	return buf_take(&out);
}
