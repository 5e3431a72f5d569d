/* Sockets: who may come, how many, and for how long. */
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/intake/server/server_internal.h"
#include "saga/base/mem.h"

/* How soon a sender may come again whose event was not recorded in time. */
#define RETRY_LATE_S 5

static void report_rejected(struct intake_server *s, const struct peer_address *peer, const char *why)
{
	char text[PEER_TEXT_BYTES];
	peer_text(peer, text);
	if (s->options.hooks.rejected != NULL)
		s->options.hooks.rejected(s->options.hooks.ctx, "", text, 0, why);
}

enum MHD_Result connection_accept_policy(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct intake_server *s = cls;
	(void)len;
	if (atomic_load(&s->closing))
		return MHD_NO;
	struct peer_address peer = peer_of_socket(address);
	(void)pthread_mutex_lock(&s->lock);
	const struct config *config = s->rules->config;
	/* A proxy stands for many senders; those are counted one by one when their requests come. */
	bool may = peer_trusted(config, &peer) || peers_count(s->peers, &peer) < config->limits.connections;
	if (!may)
		counter_add(counter_of(s, ""), INTAKE_BUSY);
	(void)pthread_mutex_unlock(&s->lock);
	if (!may)
		report_rejected(s, &peer, "too many connections from this address");
	return may ? MHD_YES : MHD_NO;
}

static bool is_busy(enum connection_phase phase)
{
	return phase == CONNECTION_WAITING || phase == CONNECTION_SENDING;
}

/* With nobody stopping there is nobody waiting: a broadcast a request would wake the sweeper each time. */
void connection_notify_waiters(struct intake_server *s)
{
	if (s->waiters > 0)
		(void)pthread_cond_broadcast(&s->changed);
}

static void opened(struct intake_server *s, struct MHD_Connection *mhd, void **socket_context)
{
	struct connection *c = mem_zalloc(sizeof *c);
	/* One after the other: since libmicrohttpd 1.0 each answer stands where the one before it stood. */
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info != NULL ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	c->peer = peer_of_socket(info != NULL ? info->client_addr : NULL);
	c->since_ms = intake_server_now(s);
	*socket_context = c;
	(void)pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(&s->connections, c, link);
	peers_add(s->peers, &c->peer);
	if (s->connection_count++ == 0)
		(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

/* Comes before the descriptor is closed, so that a shutdown under the lock never hits somebody else's socket.
 */
static void closed(struct intake_server *s, void **socket_context)
{
	struct connection *c = *socket_context;
	*socket_context = NULL;
	(void)pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->connections, c, link);
	if (c->linger && !atomic_load(&s->closing))
		linger_begin(s, c->fd);
	s->busy -= is_busy(c->phase);
	connection_notify_waiters(s);
	peers_remove(s->peers, &c->peer);
	s->connection_count--;
	(void)pthread_mutex_unlock(&s->lock);
	free(c);
}

void connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
					   enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		opened(cls, mhd, socket_context);
	else if (*socket_context != NULL)
		closed(cls, socket_context);
}

void connection_set_phase_locked(struct intake_server *s, struct connection *c, enum connection_phase phase,
								 int64_t now_ms)
{
	/* The first request's time began when its sender connected: its header may have come byte by byte. */
	if (c->phase != CONNECTION_OPEN || phase != CONNECTION_READING)
		c->since_ms = now_ms;
	s->busy += is_busy(phase);
	s->busy -= is_busy(c->phase);
	c->phase = phase;
	connection_notify_waiters(s);
}

void connection_set_phase(struct intake_server *s, struct connection *c, enum connection_phase phase)
{
	int64_t now_ms = intake_server_now(s);
	(void)pthread_mutex_lock(&s->lock);
	connection_set_phase_locked(s, c, phase, now_ms);
	(void)pthread_mutex_unlock(&s->lock);
}

/* ---- deadlines ---- */

static void shut_slow(struct intake_server *s, int64_t now_ms)
{
	int64_t limit_ms = s->rules->config->limits.request_timeout_ms;
	struct connection *c;
	TAILQ_FOREACH(c, &s->connections, link)
	{
		if (c->timed_out || c->phase == CONNECTION_WAITING || now_ms - c->since_ms < limit_ms)
			continue;
		c->timed_out = true;
		/* libmicrohttpd then sees the end of the stream and closes; its own timeout starts anew with each
		 * byte. */
		(void)shutdown(c->fd, SHUT_RDWR);
		if (c->phase != CONNECTION_IDLE)
			counter_add(counter_of(s, ""), INTAKE_SLOW);
	}
}

/* Moves those that are due from the waiting ones to `late`; under the lock. */
static void take_late(struct intake_server *s, int64_t now_ms, struct requests *late)
{
	struct server_request *next;
	for (struct server_request *r = TAILQ_FIRST(&s->waiting); r != NULL; r = next) {
		next = TAILQ_NEXT(r, waiting_link);
		if (r->due_ms > now_ms)
			continue;
		TAILQ_REMOVE(&s->waiting, r, waiting_link);
		TAILQ_INSERT_TAIL(late, r, waiting_link);
		r->waiting = false;
		r->answered = true;
		r->answer = answer_busy(RETRY_LATE_S, "not recorded in time, send it again");
		counter_add(r->counter, INTAKE_LATE);
	}
}

void waiting_answer_late(struct intake_server *s, int64_t now_ms)
{
	struct requests late = TAILQ_HEAD_INITIALIZER(late);
	struct server_request *r;
	(void)pthread_mutex_lock(&s->lock);
	take_late(s, now_ms, &late);
	(void)pthread_mutex_unlock(&s->lock);
	/* Suspended, and nobody else resumes them any more: they live until then. */
	while ((r = TAILQ_FIRST(&late)) != NULL) {
		TAILQ_REMOVE(&late, r, waiting_link);
		MHD_resume_connection(r->mhd);
	}
}

void intake_server_sweep(struct intake_server *s, int64_t now_ms)
{
	(void)pthread_mutex_lock(&s->lock);
	shut_slow(s, now_ms);
	linger_sweep(s, now_ms);
	(void)pthread_mutex_unlock(&s->lock);
	waiting_answer_late(s, now_ms);
}
