#include "gateway/attention.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "saga/base/mem.h"

#define PAGE 64

struct found {
	STAILQ_ENTRY(found) link;
	enum alert_kind kind;
	char *subject;
	int64_t count; /* of the round under way */
	int64_t whole; /* of the last whole one */
};

struct attention {
	STAILQ_HEAD(, found) found;
	bool under_way;
	int64_t before;  /* where to read on */
	int64_t version; /* of the round, or of the last one */
	bool any;        /* a whole round was read */
};

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
	STAILQ_INIT(&t->found);
	return t;
}

void attention_clear(struct attention *t)
{
	struct found *f;
	while ((f = STAILQ_FIRST(&t->found)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->found, link);
		free(f->subject);
		free(f);
	}
	t->under_way = t->any = false;
}

void attention_destroy(struct attention *t)
{
	if (t == NULL)
		return;
	attention_clear(t);
	free(t);
}

static void count(struct attention *t, enum alert_kind kind, const char *subject)
{
	struct found *f;
	STAILQ_FOREACH(f, &t->found, link)
	{
		if (f->kind == kind && strcmp(f->subject, subject) == 0)
			break;
	}
	if (f == NULL) {
		f = mem_zalloc(sizeof *f);
		f->kind = kind;
		f->subject = mem_strdup(subject);
		STAILQ_INSERT_TAIL(&t->found, f, link);
	}
	f->count++;
}

static void count_saga(struct attention *t, const struct saga *s)
{
	if (s->reason == REASON_QUARANTINED || s->reason == REASON_GIFT_MISSING)
		count(t, kind_of((enum reason)s->reason), s->source);
	for (unsigned i = 0; i < s->step_count; i++)
		if (saga_step_needs_person(s, &s->steps[i]))
			count(t, kind_of((enum reason)s->steps[i].reason), s->plan->steps[i].target);
}

static void finish_round(struct attention *t)
{
	struct found *f;
	STAILQ_FOREACH(f, &t->found, link)
	{
		f->whole = f->count;
		f->count = 0;
	}
	t->under_way = false;
	t->any = true;
}

bool attention_is_read(const struct attention *t, int64_t version)
{
	return !t->under_way && t->any && t->version == version;
}

int attention_read(struct attention *t, struct store_reader *reader, int64_t version, int64_t budget_ms,
				   struct err *err)
{
	const struct saga_filter filter = { .state = SAGA_ATTENTION, .outcome = -1, .reason = -1 };
	if (!t->under_way) {
		t->under_way = true;
		t->version = version;
		t->before = INT64_MAX;
	}
	size_t got = PAGE;
	for (int pages = 0; pages < 16 && got == PAGE && t->before != 0; pages++) {
		struct saga *page[PAGE];
		int rc = reader->saga_list(reader->ctx, &filter, t->before, budget_ms, page, PAGE, &got, &t->before,
								   err);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < got; i++) {
			count_saga(t, page[i]);
			saga_destroy(page[i]);
		}
	}
	if (t->before == 0)
		finish_round(t);
	return 0;
}

void attention_each(const struct attention *t, void *ctx,
					void (*each)(void *ctx, enum alert_kind kind, const char *subject, int64_t count))
{
	const struct found *f;
	STAILQ_FOREACH(f, &t->found, link)
	{
		int64_t most = f->count > f->whole ? f->count : f->whole;
		if (most > 0)
			each(ctx, f->kind, f->subject, most);
	}
}
