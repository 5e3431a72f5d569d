/* Sockets: who may come, how many, and for how long. */
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/intake/inside.h"
#include "saga/base/mem.h"

/* How soon a sender may come again whose event was not recorded in time. */
#define RETRY_LATE_S 5

static void tell_refused(struct intake *s, const struct peer_address *peer, const char *why)
{
	char text[PEER_TEXT_BYTES];
	peer_text(peer, text);
	if (s->options.hooks.refused != NULL)
		s->options.hooks.refused(s->options.hooks.ctx, "", text, 0, why);
}

enum MHD_Result connection_may_come(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct intake *s = cls;
	(void)len;
	if (atomic_load(&s->closing))
		return MHD_NO;
	struct peer_address peer = peer_of_socket(address);
	(void)pthread_mutex_lock(&s->lock);
	const struct config *config = s->rules->config;
	/* A proxy stands for many senders; those are counted one by one when their requests come. */
	bool may = peer_trusted(config, &peer) || peers_count(s->peers, &peer) < config->limits.connections;
	if (!may)
		counts_add(counts_of(s, ""), INTAKE_BUSY);
	(void)pthread_mutex_unlock(&s->lock);
	if (!may)
		tell_refused(s, &peer, "too many connections from this address");
	return may ? MHD_YES : MHD_NO;
}

static bool is_busy(enum phase phase)
{
	return phase == PHASE_WAITING || phase == PHASE_SENDING;
}

/* With nobody stopping there is nobody waiting: a broadcast a request would wake the sweeper each time. */
void connection_tell_waiters(struct intake *s)
{
	if (s->waiters > 0)
		(void)pthread_cond_broadcast(&s->moved);
}

static void opened(struct intake *s, struct MHD_Connection *mhd, void **socket_context)
{
	struct connection *c = mem_zalloc(sizeof *c);
	/* One after the other: since libmicrohttpd 1.0 each answer stands where the one before it stood. */
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info != NULL ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	c->peer = peer_of_socket(info != NULL ? info->client_addr : NULL);
	c->since_ms = intake_now(s);
	*socket_context = c;
	(void)pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(&s->connections, c, link);
	peers_add(s->peers, &c->peer);
	if (s->connection_count++ == 0)
		(void)pthread_cond_broadcast(&s->moved);
	(void)pthread_mutex_unlock(&s->lock);
}

/* Comes before the descriptor is closed, so that a shutdown under the lock never hits somebody else's socket.
 */
static void closed(struct intake *s, void **socket_context)
{
	struct connection *c = *socket_context;
	*socket_context = NULL;
	(void)pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->connections, c, link);
	if (c->linger && !atomic_load(&s->closing))
		linger_begin(s, c->fd);
	s->busy -= is_busy(c->phase);
	connection_tell_waiters(s);
	peers_remove(s->peers, &c->peer);
	s->connection_count--;
	(void)pthread_mutex_unlock(&s->lock);
	free(c);
}

void connection_changed(void *cls, struct MHD_Connection *mhd, void **socket_context,
						enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		opened(cls, mhd, socket_context);
	else if (*socket_context != NULL)
		closed(cls, socket_context);
}

void connection_set_phase_locked(struct intake *s, struct connection *c, enum phase phase, int64_t now_ms)
{
	/* The first request's time began when its sender connected: its header may have come byte by byte. */
	if (c->phase != PHASE_OPEN || phase != PHASE_READING)
		c->since_ms = now_ms;
	s->busy += is_busy(phase);
	s->busy -= is_busy(c->phase);
	c->phase = phase;
	connection_tell_waiters(s);
}

void connection_set_phase(struct intake *s, struct connection *c, enum phase phase)
{
	int64_t now_ms = intake_now(s);
	(void)pthread_mutex_lock(&s->lock);
	connection_set_phase_locked(s, c, phase, now_ms);
	(void)pthread_mutex_unlock(&s->lock);
}

/* ---- deadlines ---- */

static void cut_slow(struct intake *s, int64_t now_ms)
{
	int64_t limit_ms = s->rules->config->limits.request_timeout_ms;
	struct connection *c;
	TAILQ_FOREACH(c, &s->connections, link)
	{
		if (c->cut || c->phase == PHASE_WAITING || now_ms - c->since_ms < limit_ms)
			continue;
		c->cut = true;
		/* libmicrohttpd then sees the end of the stream and closes; its own timeout starts anew with each
		 * byte. */
		(void)shutdown(c->fd, SHUT_RDWR);
		if (c->phase != PHASE_IDLE)
			counts_add(counts_of(s, ""), INTAKE_SLOW);
	}
}

/* Moves those that are due from the waiting ones to `late`; under the lock. */
static void take_late(struct intake *s, int64_t now_ms, struct requests *late)
{
	struct request *next;
	for (struct request *r = TAILQ_FIRST(&s->waiting); r != NULL; r = next) {
		next = TAILQ_NEXT(r, waiting_link);
		if (r->due_ms > now_ms)
			continue;
		TAILQ_REMOVE(&s->waiting, r, waiting_link);
		TAILQ_INSERT_TAIL(late, r, waiting_link);
		r->waiting = false;
		r->answered = true;
		r->answer = answer_busy(RETRY_LATE_S, "not recorded in time, send it again");
		counts_add(r->counter, INTAKE_LATE);
	}
}

void connection_answer_late(struct intake *s, int64_t now_ms)
{
	struct requests late = TAILQ_HEAD_INITIALIZER(late);
	struct request *r;
	(void)pthread_mutex_lock(&s->lock);
	take_late(s, now_ms, &late);
	(void)pthread_mutex_unlock(&s->lock);
	/* Suspended, and nobody else resumes them any more: they live until then. */
	while ((r = TAILQ_FIRST(&late)) != NULL) {
		TAILQ_REMOVE(&late, r, waiting_link);
		MHD_resume_connection(r->mhd);
	}
}

void intake_sweep(struct intake *s, int64_t now_ms)
{
	(void)pthread_mutex_lock(&s->lock);
	cut_slow(s, now_ms);
	linger_sweep(s, now_ms);
	(void)pthread_mutex_unlock(&s->lock);
	connection_answer_late(s, now_ms);
}
