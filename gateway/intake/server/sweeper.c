#include "gateway/intake/server/server_internal.h"

/* The interval of the sweep, and so the exactness of deadlines; small against limits.request_timeout and
 * limits.commit_wait. Chosen; no measurement. */
#define SWEEP_EVERY_MS 200
/* While a socket lingers its sender sends at full speed, so the socket is read often. Chosen; no
 * measurement. */
#define LINGER_EVERY_MS 10

void intake_server_sweep(struct intake_server *s, int64_t now_ms)
{
	pthread_mutex_lock(&s->lock);
	connection_close_slow(s, now_ms);
	linger_sweep(s, now_ms);
	pthread_mutex_unlock(&s->lock);
	waiting_answer_late(s, now_ms);
}

/* Sleeps without a timer while there is no connection, so that an idle daemon uses no CPU. */
static void *run_sweeper(void *arg)
{
	struct intake_server *s = arg;
	pthread_setname_np(pthread_self(), "sweeper"); /* the name that top, gdb and profilers show */
	int64_t next_ms = 0;
	pthread_mutex_lock(&s->lock);
	while (s->has_sweeper) {
		int64_t now_ms = intake_server_now(s);
		if (s->connection_count == 0 && s->linger_count == 0) {
			pthread_cond_wait(&s->changed, &s->lock);
		} else if (now_ms < next_ms) {
			intake_server_wait_changed(s, next_ms - now_ms);
		} else {
			next_ms = now_ms + (s->linger_count > 0 ? LINGER_EVERY_MS : SWEEP_EVERY_MS);
			pthread_mutex_unlock(&s->lock);
			intake_server_sweep(s, now_ms);
			pthread_mutex_lock(&s->lock);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int sweeper_start(struct intake_server *s, struct err *err)
{
	if (!s->options.own_sweep)
		return 0;
	s->has_sweeper = true;
	if (pthread_create(&s->sweeper, NULL, run_sweeper, s) == 0)
		return 0;
	s->has_sweeper = false;
	return err_set(err, ERR_SYSTEM, "no thread for the deadlines of intake");
}

void sweeper_stop(struct intake_server *s)
{
	if (!s->has_sweeper)
		return;
	pthread_mutex_lock(&s->lock);
	s->has_sweeper = false;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->sweeper, NULL);
}
