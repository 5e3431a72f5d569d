/* What the demo plays: signed donations, and a CRM that fails for a third of the time and recovers. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/commands/event_client.h"
#include "gateway/commands/json_line.h"
#include "gateway/demo/demo.h"
#include "gateway/net/http_call.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* Chosen so that a person can read each line, and sees the first failure after 3 s. */
#define STEP_MS      500 /* one donation in each step */
#define CYCLE_STEPS  24
#define BREAK_AT     6  /* the CRM fails from this step of a cycle */
#define REPAIR_AT    14 /* the CRM works again from this step of a cycle */
#define REPORT_EVERY 8  /* figures are printed after each 8 steps */

/* ---- requests ---- */

/* Makes the CRM's receiver answer 503 to everything, or work again. */
static int set_crm_fault(const struct demo_setup *s, bool broken, struct err *err)
{
	char *url AUTO_FREE = mem_printf("http://127.0.0.1:%u/_control/crm", s->http_port);
	unsigned status = 0;
	return http_call(
		&(struct http_call){ .method = "POST",
							 .url = url,
							 .body = str_of(broken ? "{\"reply\":[{\"status\":503}]}" : "{\"reply\":[]}"),
							 .timeout_ms = 5000 },
		&status, err);
}

static const struct {
	const char *name;
	const char *mail;
	int minor;
} donors[] = {
	{ "Anna Rossi", "anna@example.org", 2500 },      { "Björn Ek", "bjorn@example.org", 5000 },
	{ "Chidi Okafor", "chidi@example.org", 12000 },  { "Dana Novak", "dana@example.org", 1000 },
	{ "Émile Laurent", "emile@example.org", 75000 },
};
#define DONOR_COUNT (sizeof donors / sizeof donors[0])

/* A paid checkout session as Stripe sends it, donation number `n`. `tag` makes the ids differ between two
 * demos. */
static char *stripe_session(unsigned n, const char *tag, char id[64])
{
	snprintf(id, 64, "evt_demo_%s_%u", tag, n);
	json_t *event = json_pack("{s:s, s:s, s:s, s:i, s:{s:{s:s, s:o, s:s, s:s, s:o, s:i, s:s, s:{s:s, s:s}}}}",
							  "id", id, "object", "event", "type", "checkout.session.completed", "created",
							  1700000000, "data", "object", "object", "checkout.session", "id",
							  json_sprintf("cs_demo_%s_%u", tag, n), "mode", "payment", "payment_status",
							  "paid", "payment_intent", json_sprintf("pi_demo_%s_%u", tag, n), "amount_total",
							  donors[n % DONOR_COUNT].minor, "currency", "eur", "customer_details", "name",
							  donors[n % DONOR_COUNT].name, "email", donors[n % DONOR_COUNT].mail);
	char *text = json_dumps(event, JSON_COMPACT);
	json_decref(event);
	return text;
}

/* Signs and posts donation number `n`; *ret_saga is the number of its saga. */
static int post_gift(const struct demo_setup *s, unsigned n, int64_t *ret_saga, struct err *err)
{
	int at = config_find_source(s->config, str_of("stripe"));
	if (at < 0)
		return err_set(err, ERR_NOT_FOUND, "the example configuration has no source stripe");
	const char *tag = strrchr(s->folder, '-') + 1;
	char id[64];
	char *body AUTO_FREE = stripe_session(n, tag, id);
	char *url AUTO_FREE = mem_printf("http://127.0.0.1:%u/in/stripe", s->intake_port);
	json_t *answer = NULL;
	unsigned status = 0;
	int rc = event_client_post(&s->config->sources[at], url, str_of(body), id, &answer, json_line_keep,
							   &status, err);
	*ret_saga = json_integer_value(json_object_get(answer, "saga"));
	json_decref(answer);
	if (rc == 0 && status >= 300)
		rc = err_set(err, ERR_IO, "intake answered %u", status);
	return rc;
}

/* ---- the steps, and what is printed ---- */

/* printf counts bytes, the screen shows characters: adds one column for each byte that continues a UTF-8
 * character. */
static int pad_width(const char *name, int columns)
{
	for (const char *c = name; *c != '\0'; c++)
		columns += ((unsigned char)*c & 0xc0) == 0x80 ? 1 : 0;
	return columns;
}

static void send_gift(const struct demo_setup *s, unsigned n)
{
	int64_t saga = 0;
	struct err err = { 0 };
	const char *name = donors[n % DONOR_COUNT].name;
	if (post_gift(s, n, &saga, &err) != 0)
		printf("  !  a donation was not accepted: %s\n", err.text);
	else
		printf("  ♥  %-*s gives %4d.%02d EUR   signed webhook → on disk → 202, saga %lld\n",
			   pad_width(name, 14), name, donors[n % DONOR_COUNT].minor / 100,
			   donors[n % DONOR_COUNT].minor % 100, (long long)saga);
}

static void switch_crm(const struct demo_setup *s, bool broken)
{
	struct err err = { 0 };
	if (set_crm_fault(s, broken, &err) != 0)
		printf("  !  %s\n", err.text);
	else if (broken)
		printf("\n  ✗  the CRM starts to fail (503). E-mail and accounting are not affected; the steps for "
			   "the CRM wait and are retried.\n\n");
	else
		printf("\n  ✓  the CRM works again. The waiting steps are delivered, each with the idempotency key "
			   "of its first attempt, so nothing is booked twice.\n\n");
}

/* One line with the figures of `almoner status`. */
static void print_status(const struct demo_setup *s)
{
	json_t *status = NULL;
	struct err err = { 0 };
	if (demo_get(s, "/v1/status", &status, &err) != 0) {
		printf("  !  %s\n", err.text);
		return;
	}
	const json_t *sagas = json_object_get(status, "sagas");
	printf("  …  %lld accepted: %lld completed, %lld running, %lld need an operator\n",
		   (long long)json_integer_value(json_object_get(status, "accepted")),
		   (long long)json_integer_value(json_object_get(sagas, "completed")),
		   (long long)json_integer_value(json_object_get(sagas, "running")),
		   (long long)json_integer_value(json_object_get(sagas, "attention")));
	json_decref(status);
}

/* Everything a user needs to look at the running demo from a second terminal. */
static void print_intro(const struct demo_setup *s)
{
	printf("almoner demo: a gateway of its own in %s\n\n"
		   "  Stripe (played by this program) ─► intake 127.0.0.1:%u ─► saga log ─► crm, books, thanks "
		   "(receivers on port %u, mail %u)\n\n"
		   "In a second terminal:\n"
		   "  export ALMONER_CONFIG=%s\n"
		   "  alias almoner=%s\n"
		   "  almoner status\n"
		   "  almoner saga list\n"
		   "  almoner saga show 1\n"
		   "  almoner target pause crm     (and: target resume crm)\n"
		   "  almoner backlog\n\n"
		   "Ctrl-C ends it.\n\n",
		   s->folder, s->intake_port, s->http_port, s->smtp_port, s->config_path, s->program);
}

static void print_end(const struct demo_setup *s)
{
	printf("\nAt the end:\n");
	print_status(s);
}

/* Repairs the CRM and waits until no saga is running, at most 10 s, so that the last figures are complete. A
 * second Ctrl-C ends the waiting. */
static void settle(const struct demo_setup *s, const volatile int *stop)
{
	struct err err = { 0 };
	printf("\nEnding: the CRM works again, and the demo waits at most 10 s for the last steps (Ctrl-C again: "
		   "no wait).\n");
	fflush(stdout);
	if (set_crm_fault(s, false, &err) != 0)
		return;
	for (unsigned tries = 0; tries < 100 && *stop < 2; tries++) {
		json_t *status = NULL;
		if (demo_get(s, "/v1/status", &status, &err) != 0)
			return;
		bool done = json_integer_value(json_object_get(json_object_get(status, "sagas"), "running")) == 0;
		json_decref(status);
		if (done)
			return;
		poll(NULL, 0, 100);
	}
}

/* An error of a single donation is printed and does not end the demo. */
void demo_scenario(const struct demo_setup *s, int64_t seconds, const volatile int *stop)
{
	assert(seconds >= 0 && s->intake_port != 0);
	struct clock clock = clock_system();
	int64_t end_ms = seconds > 0 ? clock.now_ms(clock.ctx) + seconds * 1000 : INT64_MAX;
	print_intro(s);
	for (unsigned step = 0; *stop == 0 && clock.now_ms(clock.ctx) < end_ms; step++) {
		unsigned in_cycle = step % CYCLE_STEPS;
		if (in_cycle == BREAK_AT || in_cycle == REPAIR_AT)
			switch_crm(s, in_cycle == BREAK_AT);
		send_gift(s, step);
		if (step % REPORT_EVERY == REPORT_EVERY - 1)
			print_status(s);
		fflush(stdout);
		poll(NULL, 0, STEP_MS);
	}
	settle(s, stop);
	print_end(s);
	fflush(stdout);
}
