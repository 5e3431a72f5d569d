#include "gateway/intake/quarantine.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "saga/base/mem.h"

struct quarantine_source {
	STAILQ_ENTRY(quarantine_source) link;
	char *source;
	bool known;    /* `counted` is valid */
	int64_t at_ms; /* when counting was last attempted */
	int64_t counted;
	int64_t queries;          /* calls of quarantine_count_open, ever */
	int64_t queries_at_count; /* the value of `queries` when the count for `counted` began */
};

struct quarantine {
	void *ctx;
	int (*count)(void *ctx, const char *source, int64_t *ret);
	pthread_mutex_t lock;
	STAILQ_HEAD(, quarantine_source) sources; /* entries are never removed, so pointers to them stay valid */
};

struct quarantine *quarantine_create(void *ctx, int (*count)(void *ctx, const char *source, int64_t *ret))
{
	struct quarantine *q = mem_zalloc(sizeof *q);
	q->ctx = ctx;
	q->count = count;
	pthread_mutex_init(&q->lock, NULL);
	STAILQ_INIT(&q->sources);
	return q;
}

void quarantine_destroy(struct quarantine *q)
{
	if (q == NULL)
		return;
	struct quarantine_source *p;
	while ((p = STAILQ_FIRST(&q->sources)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->sources, link);
		free(p->source);
		free(p);
	}
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static struct quarantine_source *source_of(struct quarantine *q, const char *source)
{
	struct quarantine_source *p;
	STAILQ_FOREACH(p, &q->sources, link)
	{
		if (strcmp(p->source, source) == 0)
			return p;
	}
	p = mem_zalloc(sizeof *p);
	p->source = mem_strdup(source);
	STAILQ_INSERT_TAIL(&q->sources, p, link);
	return p;
}

/* Counts the open quarantined events in the store, without the lock. Other threads meanwhile use the last
 * number, or count as well if there is none yet. */
static void recount(struct quarantine *q, struct quarantine_source *p, int64_t now_ms)
{
	int64_t queries = p->queries, counted = 0;
	p->at_ms = now_ms;
	pthread_mutex_unlock(&q->lock);
	int rc = q->count(q->ctx, p->source, &counted);
	pthread_mutex_lock(&q->lock);
	if (rc != 0)
		return;
	p->known = true;
	p->counted = counted;
	p->queries_at_count = queries;
}

int64_t quarantine_count_open(struct quarantine *q, const char *source, int64_t now_ms)
{
	pthread_mutex_lock(&q->lock);
	struct quarantine_source *p = source_of(q, source);
	if (!p->known || now_ms - p->at_ms >= QUARANTINE_RECOUNT_MS)
		recount(q, p, now_ms);
	int64_t open = p->known ? p->counted + p->queries - p->queries_at_count : INT64_MAX;
	p->queries++;
	pthread_mutex_unlock(&q->lock);
	return open;
}
