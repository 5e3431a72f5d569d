#include "gateway/cli/timeline.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gateway/cli/advice.h"
#include "gateway/cli/run.h"

/* ---- one sentence per record ---- */

/* A record carries the number of its step instead of the name if the plan of the saga is not known. */
static void print_step_name(const json_t *r)
{
	if (json_is_integer(json_object_get(r, "step")))
		printf("step %lld", run_number(r, "step"));
	else
		printf("%s", run_text(r, "step"));
}

/* A step that is undone has "undo of" before its name; otherwise its state "succeeded" would read as the
 * success of the step itself. */
static void print_subject(const json_t *r)
{
	printf("%s", run_is_undo(r) ? "undo of " : "");
	print_step_name(r);
}

static void print_attempt(const json_t *r)
{
	print_subject(r);
	printf(", attempt %lld", run_number(r, "attempt"));
	if (run_number(r, "generation") > 1)
		printf(" (sent again: generation %lld)", run_number(r, "generation"));
}

static void print_accepted(const json_t *r)
{
	printf("accepted and stored on disk; route %s", run_text(r, "route"));
}

static void print_quarantined(const json_t *r)
{
	printf("stored, but it cannot be mapped: %s", run_text(r, "why_not"));
}

static void print_intent(const json_t *r)
{
	print_attempt(r);
	printf(strcmp(run_text(r, "purpose"), "lookup") == 0 ? ": looks up whether it took effect" : ": starts");
}

static void print_not_started(const json_t *r)
{
	print_attempt(r);
	printf(": did not start, nothing was sent");
}

static void print_checkpoint(const json_t *r)
{
	print_attempt(r);
	printf(": part of the work is done and recorded");
}

/* The detail of the outcome without the HTTP status at its beginning ("422: no such fund", "200"), because
 * the sentence has the status already. */
static const char *detail_of(const json_t *r)
{
	const char *detail = run_text(r, "detail");
	char status[24];
	size_t len = (size_t)snprintf(status, sizeof status, "%lld", run_number(r, "status"));
	if (strncmp(detail, status, len) != 0)
		return detail;
	if (strncmp(detail + len, ": ", 2) == 0)
		return detail + len + 2;
	return detail[len] == '\0' ? "" : detail;
}

static void print_outcome(const json_t *r)
{
	print_attempt(r);
	printf(": %s", run_text(r, "outcome"));
	long long status = run_number(r, "status");
	const char *code = run_text(r, "code");
	if (status > 0)
		printf(*code != '\0' ? " (%lld, code %s)" : " (%lld)", status, code);
	else if (*code != '\0')
		printf(" (code %s)", code);
	if (run_number(r, "duration_ms") > 0)
		printf(" after %lld ms", run_number(r, "duration_ms"));
	const char *detail = detail_of(r);
	if (*detail != '\0')
		printf(": %s", detail);
}

static void print_result(const json_t *r)
{
	const json_t *result = json_object_get(r, "result");
	print_step_name(r);
	printf(" returned");
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)result, name, value)
	{
		if (json_is_string(value))
			printf(" %s %s", name, json_string_value(value));
	}
}

static void print_step_change(const json_t *r)
{
	print_subject(r);
	if (strcmp(run_text(r, "to"), "kept") == 0 && !run_is_undo(r)) {
		printf(" is kept: the connector of this step's target cannot undo the step");
		return;
	}
	printf(" is now %s", run_text(r, "to"));
	if (*run_text(r, "reason") != '\0')
		printf(" (%s)", run_text(r, "reason"));
	if (*run_text(r, "due") != '\0')
		printf(" until %s", run_text(r, "due"));
}

static void print_decision(const json_t *r)
{
	printf("decided by the route's failure policy: %s", run_text(r, "decision"));
}

static void print_verb(const json_t *r)
{
	printf("%s by %s", run_text(r, "verb"), run_text(r, "actor"));
	if (*run_text(r, "step") != '\0')
		printf(" on %s", run_text(r, "step"));
	if (*run_text(r, "note") != '\0')
		printf(": \"%s\"", run_text(r, "note"));
}

static void print_reprocessed(const json_t *r)
{
	printf("mapped again by %s", run_text(r, "actor"));
	if (*run_text(r, "note") != '\0')
		printf(": \"%s\"", run_text(r, "note"));
}

static void print_saga_change(const json_t *r)
{
	printf("the saga is now %s", run_text(r, "to"));
	if (*run_text(r, "reason") != '\0')
		printf(" (%s)", run_text(r, "reason"));
}

static void print_related(const json_t *r)
{
	if (*run_text(r, "event_id") != '\0')
		printf("the platform also sent another event of this gift: %s (%s)", run_text(r, "type"),
			   run_text(r, "event_id"));
	else /* the related event came before its gift; the list of related events below names it */
		printf("an event of this gift that had come earlier was linked to this saga");
}

static void print_duplicate(const json_t *r)
{
	(void)r;
	printf("the same event came again with a different body: the first body is used");
}

static void print_unrouted(const json_t *r)
{
	(void)r;
	printf("no route matches this event; nothing is sent");
}

static void print_gift_missing(const json_t *r)
{
	(void)r;
	printf("the gift that this event belongs to has not come");
}

static const struct {
	const char *record;
	void (*print_record)(const json_t *r);
} printers[] = {
	{ "accepted", print_accepted },     { "quarantined", print_quarantined },
	{ "intent", print_intent },         { "not_started", print_not_started },
	{ "checkpoint", print_checkpoint }, { "outcome", print_outcome },
	{ "result", print_result },         { "step", print_step_change },
	{ "decision", print_decision },     { "verb", print_verb },
	{ "saga", print_saga_change },      { "related", print_related },
	{ "duplicate", print_duplicate },   { "reprocessed", print_reprocessed },
	{ "unrouted", print_unrouted },     { "gift_missing", print_gift_missing },
};

static void print_record(const json_t *r)
{
	const char *record = run_text(r, "record");
	printf("  %s  ", run_text(r, "at"));
	for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++) {
		if (strcmp(record, printers[i].record) == 0) {
			printers[i].print_record(r);
			putchar('\n');
			return;
		}
	}
	printf("%s\n", record); /* a newer daemon wrote this kind of record: only its name is known here */
}

/* ---- steps ---- */

/* What a step waits for; its state alone ("ready", "waiting") does not show it. */
static const char *wait_of(const json_t *step, bool paused)
{
	static const char *const texts[][3] = {
		{ "ready", "lane", "waits for an earlier event of this donor" },
		{ "ready", "slot",
		  "waits for its target (held, paused, limit, rate or breaker: almoner target list)" },
		{ "waiting", "after", "waits for the steps before it" },
	};
	if (run_is_undo(step) && strcmp(run_text(step, "state"), "waiting") == 0)
		return "waits until the later steps are undone";
	if (paused && !run_is_undo(step) && strcmp(run_text(step, "state"), "ready") == 0)
		return "waits until the saga is resumed";
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(run_text(step, "state"), texts[i][0]) == 0 &&
			strcmp(run_text(step, "why"), texts[i][1]) == 0)
			return texts[i][2];
	return "";
}

static void add_part(struct buf *parts, const char *before, const char *text)
{
	if (*text != '\0')
		buf_printf(parts, "%s%s%s", parts->len > 0 ? ", " : "", before, text);
}

/* One line: name, state, then what applies of reason, wait, next attempt, attempts, id and the last error. */
static void print_step(const json_t *step, bool paused)
{
	struct buf parts AUTO_BUF = { 0 };
	if (*run_text(step, "reason") != '\0')
		buf_printf(&parts, "(%s)", run_text(step, "reason"));
	add_part(&parts, "", wait_of(step, paused));
	add_part(&parts, "next attempt ", run_text(step, "next_at"));
	long long attempts = run_number(step, "attempts");
	if (attempts > 0)
		buf_printf(&parts, "%s%lld %s", parts.len > 0 ? ", " : "", attempts,
				   run_plural(attempts, "attempt", "attempts"));
	add_part(&parts, "id ", run_text(json_object_get(step, "result"), "id"));
	if (strcmp(run_text(step, "state"), "succeeded") != 0)
		add_part(&parts, "", run_text(step, "detail"));
	printf("  %-16s %-14s %s\n", run_text(step, "name"), run_step_state(step),
		   parts.len > 0 ? parts.data : "");
}

/* ---- the whole ---- */

static void print_head(const json_t *saga, bool paused)
{
	printf("saga %lld: %s", run_number(saga, "id"), run_text(saga, "state"));
	if (*run_text(saga, "reason") != '\0')
		printf(" (%s)", run_text(saga, "reason"));
	if (paused && strcmp(run_text(saga, "state"), "attention") == 0)
		/* the saga is paused as well, which its state does not show: the state is attention */
		printf(", and paused");
	printf("\n%s%sevent %s from %s", run_text(saga, "type"), *run_text(saga, "type") != '\0' ? " " : "",
		   run_text(saga, "event_id"), run_text(saga, "source"));
	if (*run_text(saga, "gift") != '\0')
		printf(", gift %s", run_text(saga, "gift"));
	if (*run_text(saga, "key") != '\0')
		printf(", donor %s", run_text(saga, "key"));
	putchar('\n');
	if (*run_text(saga, "note") != '\0')
		printf("%s\n", run_text(saga, "note"));
}

void timeline_print(const json_t *saga)
{
	assert(saga != NULL);
	bool paused = json_is_true(json_object_get(saga, "paused"));
	print_head(saga, paused);
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(saga, "steps"), i, item) print_step(item, paused);
	printf("\nwhat happened:\n");
	json_array_foreach(json_object_get(saga, "log"), i, item) print_record(item);
	if (json_array_size(json_object_get(saga, "related")) > 0)
		printf("\nevents of the same gift:\n");
	json_array_foreach(json_object_get(saga, "related"), i, item)
	{
		printf("  %s  related event %s (%s)\n", run_text(item, "received_at"), run_text(item, "type"),
			   run_text(item, "event_id"));
	}
	advice_print(saga);
}
