#include <stdlib.h>
#include <string.h>

#include "gateway/intake/inside.h"
#include "saga/base/mem.h"

const char *intake_count_name(enum intake_count c)
{
	static const char *const names[] = {
#define COUNT_NAME(name, text) [name] = (text),
		INTAKE_COUNT_TABLE(COUNT_NAME)
#undef COUNT_NAME
	};
	return (unsigned)c < INTAKE_COUNTS ? names[c] : "?";
}

struct counter *counts_of(struct intake *s, const char *source)
{
	struct counter *c;
	STAILQ_FOREACH(c, &s->counters, link)
	{
		if (strcmp(c->source, source) == 0)
			return c;
	}
	c = mem_zalloc(sizeof *c);
	c->source = mem_strdup(source);
	STAILQ_INSERT_TAIL(&s->counters, c, link);
	return c;
}

void counts_add(struct counter *c, enum intake_count what)
{
	(void)atomic_fetch_add_explicit(&c->counts[what], 1, memory_order_relaxed);
}

void counts_destroy(struct intake *s)
{
	while (!STAILQ_EMPTY(&s->counters)) {
		struct counter *first = STAILQ_FIRST(&s->counters);
		STAILQ_REMOVE_HEAD(&s->counters, link);
		free(first->source);
		free(first);
	}
}

void intake_counts(struct intake *s, void *ctx, void (*each)(void *ctx, const struct intake_source_counts *c))
{
	struct counter *c;
	(void)pthread_mutex_lock(&s->lock);
	STAILQ_FOREACH(c, &s->counters, link)
	{
		struct intake_source_counts copy = { .source = c->source };
		for (unsigned i = 0; i < INTAKE_COUNTS; i++)
			copy.counts[i] = atomic_load_explicit(&c->counts[i], memory_order_relaxed);
		each(ctx, &copy);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

struct intake_gauges intake_gauges(struct intake *s)
{
	(void)pthread_mutex_lock(&s->lock);
	struct intake_gauges g = { .connections = s->connection_count,
							   .waiting = s->suspended,
							   .reading_bytes = atomic_load(&s->reading_bytes) };
	(void)pthread_mutex_unlock(&s->lock);
	return g;
}
