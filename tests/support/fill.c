/* Makes a store with a long backlog in a short time, through the journal: accepted donations, each with one step
 * that waits for a target. A gateway that starts on this store finds it as if the target had not worked for days.
 *
 *     almoner-fill --store FILE [--events N] [--target NAME] [--donors N] [--days D]
 *
 * Prints {"events": …, "seconds": …}. The sender's id of event N is "fill-N". The events belong to the donors in
 * turns. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/digest.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/journal/intake_port.h"
#include "saga/journal/journal.h"
#include "saga/store/store_sqlite.h"

#define AT_ONCE 512

struct fill {
	const char *path;
	const char *target;
	int64_t events;
	int64_t donors;
	int64_t days;
	int64_t now_ms; /* of the journal: it lives through the days */
	struct journal *journal;
	struct plan *plan;
	int64_t accepted;
};

struct item {
	struct accept accept;
	uint8_t lane[1][LANE_BYTES];
	char id[32], gift[32], donor[48];
};

static void die(const char *why)
{
	fprintf(stderr, "almoner-fill: %s\n", why);
	exit(1);
}

/* No event of this store was acknowledged to a sender, so nothing needs to be synced. SQLite finds this fsync before
 * that of libc. */
__attribute__((visibility("default"))) int fsync(int fd)
{
	(void)fd;
	return 0;
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- ports ---- */

static int64_t now_ms(void *ctx)
{
	return ((struct fill *)ctx)->now_ms;
}

static enum admission to_disk(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	(void)ctx;
	(void)target;
	(void)bytes;
	(void)may_start_in_commit;
	return ADMISSION_DISK;
}

static void no_work(void *ctx, const struct handout *delivery)
{
	(void)ctx;
	if (!STAILQ_EMPTY(&delivery->works))
		die("the journal handed out work");
}

static void failed(void *ctx, const struct err *err)
{
	(void)ctx;
	die(err->text);
}

/* ---- events ---- */

static void done(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct fill *f = ctx;
	if (result->code != 0)
		die("an event was not accepted");
	f->accepted++;
	event_unref(a->event);
	free(a);
}

static struct event *event_of(const struct fill *f, const struct item *item)
{
	char body[400];
	int len = snprintf(body, sizeof body,
					   "{\"amount\":{\"currency\":\"EUR\",\"minor\":2500,\"value\":\"25.00\"},"
					   "\"donor\":{\"email\":\"%s\",\"name\":\"Anna Example\"},"
					   "\"gift\":\"%s\",\"id\":\"%s\",\"type\":\"donation.created\"}",
					   item->donor, item->gift, item->id);
	struct str text = { body, (size_t)len };
	struct event_fields fields = { .source = STR("internal"),
								   .event_id = str_of(item->id),
								   .type = STR("donation.created"),
								   .gift = str_of(item->gift),
								   .donor = str_of(item->donor),
								   .content_type = STR("application/json"),
								   .raw = text,
								   .canonical = text };
	return event_create(&fields, f->now_ms);
}

static void submit(struct fill *f, int64_t number)
{
	struct item *item = mem_zalloc(sizeof *item);
	snprintf(item->id, sizeof item->id, "fill-%lld", (long long)number);
	snprintf(item->gift, sizeof item->gift, "fill-gift-%lld", (long long)number);
	snprintf(item->donor, sizeof item->donor, "donor%lld@example.org", (long long)(number % f->donors));
	uint8_t digest[32];
	struct str donor = str_of(item->donor);
	digest_parts(&donor, 1, digest);
	memcpy(item->lane[0], digest, LANE_BYTES);
	struct accept *a = &item->accept;
	*a = (struct accept){
		.kind = ACCEPT_SAGA, .event = event_of(f, item), .has_gift = true, .ctx = f, .done = done
	};
	a->start = (struct saga_start){ .plan = f->plan,
									.source = "internal",
									.event_id = item->id,
									.type = "donation.created",
									.gift = item->gift,
									.donor = item->donor,
									.note = "",
									.own_reason = REASON_NONE,
									.lane_mask = 1,
									.lanes = (const uint8_t(*)[LANE_BYTES])item->lane };
	journal_event_key("internal", item->id, a->dedup);
	journal_gift_key("internal", item->gift, a->gift);
	if (journal_accept(f->journal, a) != 0)
		die("the queue is full");
}

static void pump(struct fill *f)
{
	int rc;
	while ((rc = journal_pump(f->journal)) > 0)
		continue;
	if (rc < 0)
		die("the journal failed");
}

/* ---- the whole ---- */

static void open_journal(struct fill *f)
{
	struct err err = { 0 };
	struct journal_target target = {
		.name = f->target, .rules = { .repeat = REPEAT_KEYED, .retry = { 1000, 2, 3600000, 0, 0 } }
	};
	struct journal_options options = { .clock = { f, now_ms, now_ms },
									   .entropy = entropy_system(),
									   .hooks = { f, to_disk, no_work, failed },
									   .targets = &target,
									   .target_count = 1,
									   .actor = "almoner-fill" };
	if (store_sqlite_open(f->path, NULL, &options.store, &err) != 0 ||
		journal_create(&options, &f->journal, &err) != 0)
		die(err.text);
	struct plan draft = { .route = "donations", .policy = POLICY_CONTINUE, .step_count = 1 };
	char *name = (char *)(uintptr_t)f->target; /* it is copied */
	draft.steps[0] = (struct plan_step){ .name = name, .target = name };
	if (plan_create(&draft, &f->plan, &err) != 0)
		die(err.text);
}

static void fill(struct fill *f)
{
	int64_t from_ms = f->now_ms - f->days * DAY_MS;
	int64_t span_ms = f->days * DAY_MS;
	for (int64_t n = 0; n < f->events; n++) {
		f->now_ms = from_ms + span_ms / f->events * n;
		submit(f, n);
		if (n % AT_ONCE == AT_ONCE - 1)
			pump(f);
	}
	pump(f);
	journal_stop(f->journal, "filled");
	journal_destroy(f->journal);
	plan_unref(f->plan);
	if (f->accepted != f->events)
		die("events are missing");
}

static double monotonic_s(void)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int64_t number(const char *text)
{
	char *end;
	long long value = strtoll(text, &end, 10);
	if (*end != '\0' || value < 1)
		die("numbers are above zero");
	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "store", required_argument, NULL, 's' },  { "events", required_argument, NULL, 'e' },
		{ "target", required_argument, NULL, 't' }, { "donors", required_argument, NULL, 'o' },
		{ "days", required_argument, NULL, 'd' },   { NULL, 0, NULL, 0 }
	};
	struct fill f = { .target = "crm", .events = 100000, .donors = 50000, .days = 2 };
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			f.path = optarg;
			break;
		case 't':
			f.target = optarg;
			break;
		case 'e':
			f.events = number(optarg);
			break;
		case 'o':
			f.donors = number(optarg);
			break;
		case 'd':
			f.days = number(optarg);
			break;
		default:
			return 2;
		}
	}
	if (f.path == NULL)
		die("--store is missing");
	struct clock clock = clock_system();
	f.now_ms = clock.now_ms(clock.ctx);
	open_journal(&f);
	double began = monotonic_s();
	fill(&f);
	printf("{\"events\": %lld, \"seconds\": %.1f}\n", (long long)f.events, monotonic_s() - began);
	return 0;
}
