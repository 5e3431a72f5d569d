#include "gateway/cli/timeline.h"

#include <stdio.h>
#include <string.h>

#include "gateway/cli/advice.h"
#include "gateway/cli/run.h"

/* ---- one sentence per record ---- */

/* By name; by number where its plan is not known. */
static void print_step_name(const json_t *r)
{
	if (json_is_integer(json_object_get(r, "step")))
		(void)printf("step %lld", run_number(r, "step"));
	else
		(void)printf("%s", run_text(r, "step"));
}

/* What is undone is said so: "succeeded" alone would be taken for the do. */
static void print_part(const json_t *r)
{
	(void)printf("%s", run_is_undo(r) ? "undo of " : "");
	print_step_name(r);
}

static void print_attempt(const json_t *r)
{
	print_part(r);
	(void)printf(", attempt %lld", run_number(r, "attempt"));
	if (run_number(r, "generation") > 1)
		(void)printf(" (sent again: generation %lld)", run_number(r, "generation"));
}

static void print_accepted(const json_t *r)
{
	(void)printf("accepted and written down; route %s", run_text(r, "route"));
}

static void print_quarantined(const json_t *r)
{
	(void)printf("kept, but not usable: %s", run_text(r, "why_not"));
}

static void print_intent(const json_t *r)
{
	print_attempt(r);
	(void)printf(strcmp(run_text(r, "purpose"), "lookup") == 0 ? ": looks whether it happened" : ": begins");
}

static void print_not_started(const json_t *r)
{
	print_attempt(r);
	(void)printf(": was not begun after all, nothing was sent");
}

static void print_checkpoint(const json_t *r)
{
	print_attempt(r);
	(void)printf(": first part done, remembered");
}

/* Without the status, which is said already: "422: no such fund" and "200" begin with it. */
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
	(void)printf(": %s", run_text(r, "outcome"));
	if (run_number(r, "status") > 0)
		(void)printf(" (%lld)", run_number(r, "status"));
	if (run_number(r, "duration_ms") > 0)
		(void)printf(" after %lld ms", run_number(r, "duration_ms"));
	const char *detail = detail_of(r);
	if (*detail != '\0')
		(void)printf(": %s", detail);
}

static void print_result(const json_t *r)
{
	const json_t *result = json_object_get(r, "result");
	print_step_name(r);
	(void)printf(" gave");
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)result, name, value)
	{
		if (json_is_string(value))
			(void)printf(" %s %s", name, json_string_value(value));
	}
}

static void print_step_change(const json_t *r)
{
	print_part(r);
	if (strcmp(run_text(r, "to"), "kept") == 0 && !run_is_undo(r)) {
		(void)printf(" is kept: its connector cannot undo");
		return;
	}
	(void)printf(" is now %s", run_text(r, "to"));
	if (*run_text(r, "reason") != '\0')
		(void)printf(" (%s)", run_text(r, "reason"));
	if (*run_text(r, "due") != '\0')
		(void)printf(" until %s", run_text(r, "due"));
}

static void print_decision(const json_t *r)
{
	(void)printf("by the route's rule: %s", run_text(r, "decision"));
}

static void print_verb(const json_t *r)
{
	(void)printf("%s by %s", run_text(r, "verb"), run_text(r, "actor"));
	if (*run_text(r, "step") != '\0')
		(void)printf(" on %s", run_text(r, "step"));
	if (*run_text(r, "note") != '\0')
		(void)printf(": \"%s\"", run_text(r, "note"));
}

static void print_reprocessed(const json_t *r)
{
	(void)printf("mapped again by %s", run_text(r, "actor"));
	if (*run_text(r, "note") != '\0')
		(void)printf(": \"%s\"", run_text(r, "note"));
}

static void print_saga_change(const json_t *r)
{
	(void)printf("the saga is now %s", run_text(r, "to"));
	if (*run_text(r, "reason") != '\0')
		(void)printf(" (%s)", run_text(r, "reason"));
}

static void print_related(const json_t *r)
{
	if (*run_text(r, "event_id") != '\0')
		(void)printf("the platform also said: %s (%s)", run_text(r, "type"), run_text(r, "event_id"));
	else /* it came before the gift and is named in the list below */
		(void)printf("an earlier event of this gift was put beside it");
}

static void print_duplicate(const json_t *r)
{
	(void)r;
	(void)printf("the same event came again with another body: the first one stands");
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
};

static void print_record(const json_t *r)
{
	const char *record = run_text(r, "record");
	(void)printf("  %s  ", run_text(r, "at"));
	for (size_t i = 0; i < sizeof printers / sizeof printers[0]; i++) {
		if (strcmp(record, printers[i].record) == 0) {
			printers[i].print_record(r);
			(void)putchar('\n');
			return;
		}
	}
	(void)printf("%s\n", record); /* unrouted, gift_missing: the word says it */
}

/* ---- the whole ---- */

/* What a step waits for that has not been sent yet; else it would only say "ready". */
static const char *wait_of(const json_t *step, bool paused)
{
	static const char *const texts[][3] = {
		{ "ready", "lane", "behind an earlier event of this donor" },
		{ "ready", "slot", "waits for its target (room, rate or breaker: almoner target list)" },
		{ "waiting", "after", "waits for the steps it comes after" },
	};
	if (run_is_undo(step) && strcmp(run_text(step, "state"), "waiting") == 0)
		return "waits until the steps that come after it are undone";
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
	(void)printf("  %-16s %-14s %s\n", run_text(step, "name"), run_step_state(step),
				 parts.len > 0 ? parts.data : "");
}

void timeline_print(const json_t *saga)
{
	(void)printf("saga %lld: %s", run_number(saga, "id"), run_text(saga, "state"));
	if (*run_text(saga, "reason") != '\0')
		(void)printf(" (%s)", run_text(saga, "reason"));
	bool paused = json_is_true(json_object_get(saga, "paused"));
	if (paused && strcmp(run_text(saga, "state"), "attention") == 0)
		(void)printf(", and paused"); /* the state cannot say both, and its lanes are kept all the same */
	(void)printf("\n%s%sevent %s from %s", run_text(saga, "type"), *run_text(saga, "type") != '\0' ? " " : "",
				 run_text(saga, "event_id"), run_text(saga, "source"));
	if (*run_text(saga, "gift") != '\0')
		(void)printf(", gift %s", run_text(saga, "gift"));
	if (*run_text(saga, "key") != '\0')
		(void)printf(", donor %s", run_text(saga, "key"));
	(void)putchar('\n');
	if (*run_text(saga, "note") != '\0')
		(void)printf("%s\n", run_text(saga, "note"));
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(saga, "steps"), i, item) print_step(item, paused);
	(void)printf("\nwhat happened:\n");
	json_array_foreach(json_object_get(saga, "log"), i, item) print_record(item);
	if (json_array_size(json_object_get(saga, "related")) > 0)
		(void)printf("\nevents of the same gift:\n");
	json_array_foreach(json_object_get(saga, "related"), i, item)(void)
		printf("  %s  related event %s (%s)\n", run_text(item, "received_at"), run_text(item, "type"),
			   run_text(item, "event_id"));
	advice_print(saga);
}
