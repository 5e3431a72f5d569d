/* Sockets: which are accepted, how many, and how long each may take. */
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/intake/server/server_internal.h"
#include "saga/base/mem.h"

/* Called before libmicrohttpd creates a connection: MHD_NO closes the socket at once. */
enum MHD_Result connection_accept_policy(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct intake_server *s = cls;
	(void)len;
	if (atomic_load(&s->closing))
		return MHD_NO;
	struct peer_address peer = peer_of_socket(address);
	pthread_mutex_lock(&s->lock);
	const struct config *config = s->rules->config;
	/* A proxy stands for many senders, which are counted one by one when their requests arrive. */
	bool may = peer_trusted(config, &peer) || peers_count(s->peers, &peer) < config->limits.connections;
	if (!may)
		counter_add(counter_of(s, ""), INTAKE_BUSY);
	pthread_mutex_unlock(&s->lock);
	if (!may)
		intake_server_report_rejected(s, "", &peer, 0, "too many connections from this address");
	return may ? MHD_YES : MHD_NO;
}

static bool is_busy(enum connection_phase phase)
{
	return phase == CONNECTION_WAITING || phase == CONNECTION_SENDING;
}

/* Broadcasts only if a thread waits for `busy` or `suspended`, which happens while the server stops: the
 * sweeper waits for the same condition, and a broadcast with each request would wake the sweeper each
 * time. */
void connection_notify_waiters(struct intake_server *s)
{
	if (s->waiters > 0)
		pthread_cond_broadcast(&s->changed);
}

/* libmicrohttpd has accepted a connection. The struct connection made here lives until `closed` frees it. */
static void opened(struct intake_server *s, struct MHD_Connection *mhd, void **socket_context)
{
	struct connection *c = mem_zalloc(sizeof *c);
	/* Each result of MHD_get_connection_info is used before the next call: since libmicrohttpd 1.0 a call
	 * overwrites the result of the call before. */
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info != NULL ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	c->peer = peer_of_socket(info != NULL ? info->client_addr : NULL);
	c->since_ms = intake_server_now(s);
	*socket_context = c;
	pthread_mutex_lock(&s->lock);
	TAILQ_INSERT_TAIL(&s->connections, c, link);
	peers_add(s->peers, &c->peer);
	if (s->connection_count++ == 0)
		pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* libmicrohttpd calls this before it closes the descriptor. So a connection in the list always has a valid
 * descriptor, and a shutdown under the lock cannot hit the socket of another connection. */
static void closed(struct intake_server *s, void **socket_context)
{
	struct connection *c = *socket_context;
	*socket_context = NULL;
	pthread_mutex_lock(&s->lock);
	TAILQ_REMOVE(&s->connections, c, link);
	if (c->linger && !atomic_load(&s->closing))
		linger_begin(s, c->fd);
	s->busy -= is_busy(c->phase);
	connection_notify_waiters(s);
	peers_remove(s->peers, &c->peer);
	s->connection_count--;
	pthread_mutex_unlock(&s->lock);
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
	/* The time of the first request began when its sender connected, because its header may arrive byte by
	 * byte. */
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
	pthread_mutex_lock(&s->lock);
	connection_set_phase_locked(s, c, phase, now_ms);
	pthread_mutex_unlock(&s->lock);
}

/* ---- deadlines ---- */

/* A request that waits for its commit is not slow: waiting_answer_late ends it. */
void connection_close_slow(struct intake_server *s, int64_t now_ms)
{
	int64_t limit_ms = s->rules->config->limits.request_timeout_ms;
	struct connection *c;
	TAILQ_FOREACH(c, &s->connections, link)
	{
		if (c->timed_out || c->phase == CONNECTION_WAITING || now_ms - c->since_ms < limit_ms)
			continue;
		c->timed_out = true;
		/* libmicrohttpd then sees the end of the stream and closes. Its own timeout starts again with each
		 * byte, so it cannot bound a whole request. */
		shutdown(c->fd, SHUT_RDWR);
		if (c->phase != CONNECTION_IDLE)
			counter_add(counter_of(s, ""), INTAKE_SLOW);
	}
}
