#include "gateway/refusals.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "saga/base/mem.h"

#define WINDOW_MS  10000
#define PER_WINDOW 50

struct refusals {
	pthread_mutex_t lock;
	int64_t since_ms;
	unsigned said;
	uint64_t unsaid;
};

struct refusals *refusals_create(void)
{
	struct refusals *r = mem_zalloc(sizeof *r);
	(void)pthread_mutex_init(&r->lock, NULL);
	return r;
}

void refusals_destroy(struct refusals *r)
{
	if (r == NULL)
		return;
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

/* True: this one is written. *ret_unsaid: what was not, since the last line. */
static bool may_say(struct refusals *r, int64_t now_ms, uint64_t *ret_unsaid)
{
	(void)pthread_mutex_lock(&r->lock);
	if (now_ms - r->since_ms >= WINDOW_MS) {
		r->since_ms = now_ms;
		r->said = 0;
	}
	bool say = r->said < PER_WINDOW;
	*ret_unsaid = say ? r->unsaid : 0;
	r->said += say ? 1 : 0;
	r->unsaid = say ? 0 : r->unsaid + 1;
	(void)pthread_mutex_unlock(&r->lock);
	return say;
}

void refusals_tell(struct refusals *r, struct logger *logger, int64_t now_ms, const char *source,
				   const char *address, int status, const char *why)
{
	uint64_t unsaid = 0;
	if (!may_say(r, now_ms, &unsaid))
		return;
	char code[12];
	char more[24];
	(void)snprintf(code, sizeof code, "%d", status);
	(void)snprintf(more, sizeof more, "%llu", (unsigned long long)unsaid);
	logger_line(logger, CONFIG_LOG_WARNING, "refused", "source", source, "peer", address, "status", code, "why",
				why, "unsaid", unsaid > 0 ? more : NULL, NULL);
}
