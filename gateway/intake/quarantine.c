#include "gateway/intake/quarantine.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "saga/base/mem.h"

struct place {
	STAILQ_ENTRY(place) link;
	char *source;
	bool known;    /* `counted` was looked up once */
	int64_t at_ms; /* when it was last tried */
	int64_t counted;
	int64_t asked;      /* ever */
	int64_t asked_then; /* … before `counted` was looked up */
};

struct quarantine {
	void *ctx;
	int (*count)(void *ctx, const char *source, int64_t *ret);
	pthread_mutex_t lock;
	STAILQ_HEAD(, place) places; /* sources ever configured; never fewer */
};

struct quarantine *quarantine_create(void *ctx, int (*count)(void *ctx, const char *source, int64_t *ret))
{
	struct quarantine *q = mem_zalloc(sizeof *q);
	q->ctx = ctx;
	q->count = count;
	(void)pthread_mutex_init(&q->lock, NULL);
	STAILQ_INIT(&q->places);
	return q;
}

void quarantine_destroy(struct quarantine *q)
{
	if (q == NULL)
		return;
	struct place *p;
	while ((p = STAILQ_FIRST(&q->places)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->places, link);
		free(p->source);
		free(p);
	}
	(void)pthread_mutex_destroy(&q->lock);
	free(q);
}

static struct place *place_of(struct quarantine *q, const char *source)
{
	struct place *p;
	STAILQ_FOREACH(p, &q->places, link)
	{
		if (strcmp(p->source, source) == 0)
			return p;
	}
	p = mem_zalloc(sizeof *p);
	p->source = mem_strdup(source);
	STAILQ_INSERT_TAIL(&q->places, p, link);
	return p;
}

/* Others ask on meanwhile: with the last figure, or counting themselves while there is none. */
static void recount(struct quarantine *q, struct place *p, int64_t now_ms)
{
	int64_t asked = p->asked, counted = 0;
	p->at_ms = now_ms;
	(void)pthread_mutex_unlock(&q->lock);
	int rc = q->count(q->ctx, p->source, &counted);
	(void)pthread_mutex_lock(&q->lock);
	if (rc != 0)
		return;
	p->known = true;
	p->counted = counted;
	p->asked_then = asked;
}

int64_t quarantine_ask(struct quarantine *q, const char *source, int64_t now_ms)
{
	(void)pthread_mutex_lock(&q->lock);
	struct place *p = place_of(q, source);
	if (!p->known || now_ms - p->at_ms >= QUARANTINE_RECOUNT_MS)
		recount(q, p, now_ms);
	int64_t open = p->known ? p->counted + p->asked - p->asked_then : INT64_MAX;
	p->asked++;
	(void)pthread_mutex_unlock(&q->lock);
	return open;
}
