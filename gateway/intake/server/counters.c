#include <stdlib.h>
#include <string.h>

#include "gateway/intake/server/server_internal.h"
#include "saga/base/mem.h"

const char *intake_counter_name(enum intake_counter c)
{
	static const char *const names[] = {
#define COUNT_NAME(name, text) [name] = (text),
		INTAKE_COUNTER_TABLE(COUNT_NAME)
#undef COUNT_NAME
	};
	return (unsigned)c < INTAKE_COUNTERS ? names[c] : "?";
}

/* There are as many counters as sources were ever configured, so a list is enough. */
struct counter *counter_of(struct intake_server *s, const char *source)
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

void counter_add(struct counter *c, enum intake_counter what)
{
	assert((unsigned)what < INTAKE_COUNTERS);
	atomic_fetch_add_explicit(&c->counts[what], 1, memory_order_relaxed);
}

void counters_destroy(struct intake_server *s)
{
	while (!STAILQ_EMPTY(&s->counters)) {
		struct counter *first = STAILQ_FIRST(&s->counters);
		STAILQ_REMOVE_HEAD(&s->counters, link);
		free(first->source);
		free(first);
	}
}

void intake_counters_each(struct intake_server *s, void *ctx,
						  void (*each)(void *ctx, const struct intake_source_counters *c))
{
	struct counter *c;
	pthread_mutex_lock(&s->lock);
	STAILQ_FOREACH(c, &s->counters, link)
	{
		struct intake_source_counters copy = { .source = c->source };
		for (unsigned i = 0; i < INTAKE_COUNTERS; i++)
			copy.counts[i] = atomic_load_explicit(&c->counts[i], memory_order_relaxed);
		each(ctx, &copy);
	}
	pthread_mutex_unlock(&s->lock);
}

struct intake_server_gauges intake_server_gauges(struct intake_server *s)
{
	pthread_mutex_lock(&s->lock);
	struct intake_server_gauges g = { .connections = s->connection_count,
									  .waiting = s->suspended,
									  .reading_bytes = atomic_load(&s->reading_bytes) };
	pthread_mutex_unlock(&s->lock);
	return g;
}
