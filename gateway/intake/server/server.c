#include "gateway/intake/server/server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gateway/intake/server/request_internal.h"

/* How long answers may take to leave before the sockets are closed. Chosen; no measurement. */
#define LAST_ANSWERS_MS 1000
/* Part of a connection's memory, beside limits.headers: for the request line, libmicrohttpd's own use and the
 * answer's header. Chosen; no measurement. */
#define POOL_EXTRA_BYTES 8192

/* ---- life ---- */

uint16_t intake_server_port(const struct intake_server *s)
{
	return s->port;
}

/* Starts libmicrohttpd, which then owns the listening socket. Each thread of its pool has its own
 * epoll set. */
static int start_daemon(struct intake_server *s, const struct config *config, struct err *err)
{
	int64_t threads = config->listen.intake_threads;
	const struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, s->listen_fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, (intptr_t)config->limits.connections_total, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)config->limits.headers_bytes + POOL_EXTRA_BYTES,
		  NULL },
		{ threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME,
								 0, connection_accept_policy, s, request_handle, s,
								 MHD_OPTION_URI_LOG_CALLBACK, request_open, s, MHD_OPTION_NOTIFY_COMPLETED,
								 request_closed, s, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, s,
								 MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	return s->daemon != NULL
			   ? 0
			   : err_set(err, ERR_SYSTEM, "the intake server does not start: %s", strerror(errno));
}

int intake_server_start(struct config *config, const struct intake_server_options *options,
						struct intake_server **ret, struct err *err)
{
	assert(options->journal.accept != NULL && options->clock.now_ms != NULL);
	struct rules *rules = NULL;
	int rc = rules_create(config, &rules, err);
	if (rc != 0)
		return rc;
	struct intake_server *s = intake_server_create(options);
	intake_server_install_rules(s, rules);
	rc = listener_open(s, &config->listen, err);
	if (rc == 0)
		rc = sweeper_start(s, err);
	if (rc == 0)
		rc = start_daemon(s, config, err);
	if (rc != 0) {
		intake_server_stop(s);
		return rc;
	}
	*ret = s;
	return 0;
}

int intake_server_set_config(struct intake_server *s, struct config *config, struct err *err)
{
	struct rules *rules = NULL;
	int rc = rules_create(config, &rules, err);
	if (rc == 0)
		intake_server_install_rules(s, rules);
	return rc;
}

/* ---- stopping ---- */

void intake_server_quiesce(struct intake_server *s)
{
	/* MHD_quiesce_daemon is not used: in libmicrohttpd 0.9.75 it removes the listening socket from epoll
	 * while its own threads do the same, and aborts the process when it is second.
	 * connection_accept_policy refuses all new connections instead. */
	atomic_store(&s->closing, true);
}

/* Waits until the counter *count, which the lock guards, is 0. False: it was not 0 within `timeout_ms`. */
static bool wait_zero(struct intake_server *s, const unsigned *count, int64_t timeout_ms)
{
	/* Threads wait in real time, whatever clock the server has: tests bring clocks that stand still. */
	int64_t until_ms = clock_monotonic_ms() + timeout_ms, left_ms = timeout_ms;
	pthread_mutex_lock(&s->lock);
	s->waiters++;
	while (*count > 0 && left_ms > 0) {
		intake_server_wait_changed(s, left_ms);
		left_ms = until_ms - clock_monotonic_ms();
	}
	s->waiters--;
	bool zero = *count == 0;
	pthread_mutex_unlock(&s->lock);
	return zero;
}

bool intake_server_wait_idle(struct intake_server *s, int64_t timeout_ms)
{
	bool idle = wait_zero(s, &s->busy, timeout_ms);
	/* An event that is committed later stands; when its sender sends it again, that is a duplicate. */
	waiting_answer_late(s, INT64_MAX);
	return idle;
}

/* Accepts whose commit is still missing keep the server's memory alive: each holds a reference until its
 * commit. */
void intake_server_stop(struct intake_server *s)
{
	if (s == NULL)
		return;
	intake_server_quiesce(s);
	waiting_answer_late(s, INT64_MAX);
	/* MHD_stop_daemon aborts while a connection is suspended. All were resumed, so this loop ends soon. */
	while (!wait_zero(s, &s->suspended, LAST_ANSWERS_MS))
		;
	wait_zero(s, &s->busy, LAST_ANSWERS_MS);
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon); /* closes the listening socket */
	else if (s->listen_fd >= 0)
		close(s->listen_fd);
	sweeper_stop(s);
	pthread_mutex_lock(&s->lock);
	linger_sweep(s, INT64_MAX);
	pthread_mutex_unlock(&s->lock);
	intake_server_unref(s);
}
