#include <stdlib.h>

#include "gateway/intake/server/server_internal.h"
#include "saga/base/mem.h"

struct intake_server *intake_server_create(const struct intake_server_options *options)
{
	struct intake_server *s = mem_zalloc(sizeof *s);
	s->options = *options;
	s->listen_fd = -1;
	atomic_init(&s->references, 1);
	clock_condition_init(&s->changed);
	pthread_mutex_init(&s->lock, NULL);
	TAILQ_INIT(&s->connections);
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->lingering);
	STAILQ_INIT(&s->counters);
	s->peers = peers_create();
	counter_of(s, "");
	return s;
}

void intake_server_unref(struct intake_server *s)
{
	if (atomic_fetch_sub(&s->references, 1) != 1)
		return;
	counters_destroy(s);
	peers_destroy(s->peers);
	rules_unref(s->rules);
	pthread_cond_destroy(&s->changed);
	int rc = pthread_mutex_destroy(&s->lock);
	assert(rc == 0); /* else a thread holds the lock, or has released it without holding it */
	free(s);
}

int64_t intake_server_now(const struct intake_server *s)
{
	return s->options.clock.now_ms(s->options.clock.ctx);
}

struct rules *intake_server_rules(struct intake_server *s)
{
	pthread_mutex_lock(&s->lock);
	struct rules *rules = rules_ref(s->rules);
	pthread_mutex_unlock(&s->lock);
	return rules;
}

void intake_server_install_rules(struct intake_server *s, struct rules *rules)
{
	pthread_mutex_lock(&s->lock);
	struct rules *old = s->rules;
	s->rules = rules;
	for (size_t i = 0; i < rules->config->source_count; i++)
		counter_of(s, rules->config->sources[i].name);
	pthread_mutex_unlock(&s->lock);
	rules_unref(old);
}

void intake_server_wait_changed(struct intake_server *s, int64_t ms)
{
	struct timespec until = clock_deadline(ms);
	pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

void intake_server_report_rejected(struct intake_server *s, const char *source,
								   const struct peer_address *address, unsigned status, const char *why)
{
	const struct intake_server_hooks *hooks = &s->options.hooks;
	if (hooks->rejected == NULL)
		return;
	char text[PEER_TEXT_BYTES];
	peer_text(address, text);
	hooks->rejected(hooks->ctx, source, text, (int)status, why);
}
