#include "gateway/alerts/attention.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "saga/base/mem.h"

/* Chosen, no measurement: a page fits on the stack, and 16 pages of small sagas take a few milliseconds. */
#define PAGE       64
#define PAGES_MOST 16

struct subject_counts {
	STAILQ_ENTRY(subject_counts) link;
	enum alert_kind kind;
	char *subject;
	int64_t count;      /* sagas and steps counted in the pass that runs */
	int64_t last_count; /* the result of the last complete pass */
};

struct attention {
	STAILQ_HEAD(, subject_counts) subject_counts;
	bool reading;    /* a pass runs */
	int64_t before;  /* while a pass runs: its next page has saga ids below this one */
	int64_t version; /* the version of the store when the last pass began */
	bool complete;   /* a pass has been completed */
};

/* Which alert a reason for attention raises. */
static enum alert_kind kind_of(enum reason reason)
{
	static const enum alert_kind kinds[REASON_COUNT] = {
		[REASON_NONE] = ALERT_ATTENTION,
		[REASON_REJECTED] = ALERT_ATTENTION,
		[REASON_EXHAUSTED] = ALERT_ATTENTION,
		[REASON_IN_DOUBT] = ALERT_IN_DOUBT,
		[REASON_FAULT] = ALERT_FAULT,
		[REASON_BODY_CHANGED] = ALERT_ATTENTION,
		[REASON_TARGET_MISSING] = ALERT_TARGET_MISSING,
		[REASON_UNDO_FAILED] = ALERT_UNDO_FAILED,
		[REASON_QUARANTINED] = ALERT_QUARANTINED,
		[REASON_GIFT_MISSING] = ALERT_GIFT_MISSING,
	};
	return (unsigned)reason < REASON_COUNT ? kinds[reason] : ALERT_ATTENTION;
}

struct attention *attention_create(void)
{
	struct attention *t = mem_zalloc(sizeof *t);
	STAILQ_INIT(&t->subject_counts);
	return t;
}

void attention_clear(struct attention *t)
{
	struct subject_counts *f;
	while ((f = STAILQ_FIRST(&t->subject_counts)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->subject_counts, link);
		free(f->subject);
		free(f);
	}
	t->reading = t->complete = false;
}

void attention_destroy(struct attention *t)
{
	if (t == NULL)
		return;
	attention_clear(t);
	free(t);
}

/* Adds one to the count of a kind at a subject. A linear search: the subjects are the configured sources and
 * targets. */
static void count(struct attention *t, enum alert_kind kind, const char *subject)
{
	struct subject_counts *f;
	STAILQ_FOREACH(f, &t->subject_counts, link)
	{
		if (f->kind == kind && strcmp(f->subject, subject) == 0)
			break;
	}
	if (f == NULL) {
		f = mem_zalloc(sizeof *f);
		f->kind = kind;
		f->subject = mem_strdup(subject);
		STAILQ_INSERT_TAIL(&t->subject_counts, f, link);
	}
	f->count++;
}

static void count_saga(struct attention *t, const struct saga *s)
{
	if (s->reason == REASON_QUARANTINED || s->reason == REASON_GIFT_MISSING)
		count(t, kind_of((enum reason)s->reason), s->source);
	for (unsigned i = 0; i < s->step_count; i++)
		if (saga_step_needs_operator(s, &s->steps[i]))
			count(t, kind_of((enum reason)s->steps[i].reason), s->plan->steps[i].target);
}

static void finish_pass(struct attention *t)
{
	struct subject_counts *f;
	STAILQ_FOREACH(f, &t->subject_counts, link)
	{
		f->last_count = f->count;
		f->count = 0;
	}
	t->reading = false;
	t->complete = true;
}

bool attention_is_current(const struct attention *t, int64_t version)
{
	return !t->reading && t->complete && t->version == version;
}

/* The store may change between the pages: a saga that is resolved meanwhile can still be counted until the
 * next pass. */
int attention_read(struct attention *t, struct store_reader *reader, int64_t version, int64_t budget_ms,
				   struct err *err)
{
	const struct saga_filter filter = { .state = SAGA_ATTENTION, .outcome = -1, .reason = -1 };
	if (!t->reading) {
		t->reading = true;
		t->version = version;
		t->before = INT64_MAX;
	}
	assert(budget_ms > 0);
	size_t page_count = PAGE;
	for (int pages = 0; pages < PAGES_MOST && page_count == PAGE && t->before != 0; pages++) {
		struct saga *page[PAGE];
		int rc = reader->saga_list(reader->ctx, &filter, t->before, budget_ms, page, PAGE, &page_count,
								   &t->before, err);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < page_count; i++) {
			count_saga(t, page[i]);
			saga_destroy(page[i]);
		}
	}
	if (t->before == 0)
		finish_pass(t);
	return 0;
}

void attention_each(const struct attention *t, void *ctx,
					void (*each)(void *ctx, enum alert_kind kind, const char *subject, int64_t count))
{
	const struct subject_counts *f;
	STAILQ_FOREACH(f, &t->subject_counts, link)
	{
		int64_t most = f->count > f->last_count ? f->count : f->last_count;
		if (most > 0)
			each(ctx, f->kind, f->subject, most);
	}
}
