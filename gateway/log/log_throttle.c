#include "gateway/log/log_throttle.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "saga/base/mem.h"

/* The most lines of one kind in each window. Chosen, no measurement: a flood writes about 4 MB an hour. */
#define WINDOW_MS        10000
#define LINES_PER_WINDOW 50

struct log_throttle {
	pthread_mutex_t lock;
	int64_t since_ms;
	unsigned written;
	uint64_t suppressed;
};

struct log_throttle *log_throttle_create(void)
{
	struct log_throttle *r = mem_zalloc(sizeof *r);
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void log_throttle_destroy(struct log_throttle *r)
{
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* True if the line may be written; then *ret_suppressed is the number of lines suppressed since the last
 * written one. */
static bool may_write(struct log_throttle *r, int64_t now_ms, uint64_t *ret_suppressed)
{
	pthread_mutex_lock(&r->lock);
	if (now_ms - r->since_ms >= WINDOW_MS) {
		r->since_ms = now_ms;
		r->written = 0;
	}
	bool allowed = r->written < LINES_PER_WINDOW;
	*ret_suppressed = allowed ? r->suppressed : 0;
	r->written += allowed ? 1 : 0;
	r->suppressed = allowed ? 0 : r->suppressed + 1;
	pthread_mutex_unlock(&r->lock);
	return allowed;
}

void log_throttle_rejected(struct log_throttle *r, struct logger *logger, int64_t now_ms, const char *source,
						   const char *address, int status, const char *why)
{
	uint64_t suppressed = 0;
	if (!may_write(r, now_ms, &suppressed))
		return;
	char code[12];
	char more[24];
	snprintf(code, sizeof code, "%d", status);
	snprintf(more, sizeof more, "%llu", (unsigned long long)suppressed);
	logger_line(logger, CONFIG_LOG_WARNING, "refused", "source", source, "peer", address, "status", code,
				"why", why, "suppressed", suppressed > 0 ? more : NULL, NULL);
}
