#include "gateway/intake/server/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/intake/server/server_internal.h"
#include "saga/base/mem.h"

#define BACKLOG 1024
/* Deadlines are kept this exactly. */
#define SWEEP_EVERY_MS  200
#define LINGER_EVERY_MS 10 /* somebody is sending all the while */
/* Answers get this long to leave before the sockets are closed. */
#define LAST_ANSWERS_MS 1000
/* Of a connection's memory: for the request line, the library's own, and the answer. */
#define POOL_EXTRA_BYTES 8192

static int log_journal_accept(void *ctx, struct accept *a)
{
	return journal_accept(ctx, a);
}

static int log_journal_keep_rejected(void *ctx, const struct rejected_row *row, int64_t keep_bytes)
{
	return journal_keep_rejected(ctx, row, keep_bytes);
}

struct intake_log intake_server_log(struct journal *j)
{
	return (struct intake_log){ .ctx = j,
								.accept = log_journal_accept,
								.keep_rejected = log_journal_keep_rejected };
}

int64_t intake_server_now(const struct intake_server *s)
{
	return s->options.clock.now_ms(s->options.clock.ctx);
}

struct rules *intake_server_rules(struct intake_server *s)
{
	(void)pthread_mutex_lock(&s->lock);
	struct rules *rules = rules_ref(s->rules);
	(void)pthread_mutex_unlock(&s->lock);
	return rules;
}

uint16_t intake_server_port(const struct intake_server *s)
{
	return s->port;
}

/* ---- listening ---- */

static int listen_on(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

static uint16_t port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} name = { .in6 = { .sin6_family = AF_UNSPEC } };
	socklen_t len = sizeof name;
	if (getsockname(fd, &name.any, &len) != 0)
		return 0;
	return ntohs(name.any.sa_family == AF_INET6 ? name.in6.sin6_port : name.in.sin_port);
}

static int open_listener(struct intake_server *s, const struct config_listen *listen, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char port[8];
	(void)snprintf(port, sizeof port, "%u", listen->port);
	int rc = getaddrinfo(listen->host, port, &hints, &found);
	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "listen.intake: %s cannot be resolved: %s", listen->host,
					   gai_strerror(rc));
	for (const struct addrinfo *a = found; a != NULL && s->listen_fd < 0; a = a->ai_next)
		s->listen_fd = listen_on(a);
	int why = errno;
	freeaddrinfo(found);
	if (s->listen_fd < 0)
		return err_set(err, ERR_SYSTEM, "cannot listen on %s port %u: %s", listen->host, listen->port,
					   strerror(why));
	s->port = port_of(s->listen_fd);
	return 0;
}

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

/* ---- the sweeper ---- */

static void wait_changed(struct intake_server *s, int64_t ms)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

/* Sleeps without a timer while nobody is connected. */
static void *run_sweeper(void *arg)
{
	struct intake_server *s = arg;
	int64_t next_ms = 0;
	(void)pthread_mutex_lock(&s->lock);
	while (s->has_sweeper) {
		int64_t now_ms = intake_server_now(s);
		if (s->connection_count == 0 && s->linger_count == 0) {
			(void)pthread_cond_wait(&s->changed, &s->lock);
		} else if (now_ms < next_ms) {
			wait_changed(s, next_ms - now_ms);
		} else {
			next_ms = now_ms + (s->linger_count > 0 ? LINGER_EVERY_MS : SWEEP_EVERY_MS);
			(void)pthread_mutex_unlock(&s->lock);
			intake_server_sweep(s, now_ms);
			(void)pthread_mutex_lock(&s->lock);
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int start_sweeper(struct intake_server *s, struct err *err)
{
	if (!s->options.own_sweep)
		return 0;
	s->has_sweeper = true;
	if (pthread_create(&s->sweeper, NULL, run_sweeper, s) == 0)
		return 0;
	s->has_sweeper = false;
	return err_set(err, ERR_SYSTEM, "no thread for the deadlines of intake");
}

static void stop_sweeper(struct intake_server *s)
{
	if (!s->has_sweeper)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->has_sweeper = false;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->sweeper, NULL);
}

/* ---- life ---- */

static void install_rules(struct intake_server *s, struct rules *rules)
{
	(void)pthread_mutex_lock(&s->lock);
	struct rules *old = s->rules;
	s->rules = rules;
	for (size_t i = 0; i < rules->config->source_count; i++)
		(void)counter_of(s, rules->config->sources[i].name);
	(void)pthread_mutex_unlock(&s->lock);
	rules_unref(old);
}

static struct intake_server *create(const struct intake_server_options *options)
{
	struct intake_server *s = mem_zalloc(sizeof *s);
	s->options = *options;
	s->listen_fd = -1;
	atomic_init(&s->references, 1);
	pthread_condattr_t attr;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&s->lock, NULL);
	TAILQ_INIT(&s->connections);
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->lingering);
	STAILQ_INIT(&s->counters);
	s->peers = peers_create();
	(void)counter_of(s, "");
	return s;
}

void intake_server_unref(struct intake_server *s)
{
	if (atomic_fetch_sub(&s->references, 1) != 1)
		return;
	counters_destroy(s);
	peers_destroy(s->peers);
	rules_unref(s->rules);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

int intake_server_start(struct config *config, const struct intake_server_options *options,
						struct intake_server **ret, struct err *err)
{
	struct rules *rules = NULL;
	int rc = rules_create(config, &rules, err);
	if (rc != 0)
		return rc;
	struct intake_server *s = create(options);
	install_rules(s, rules);
	rc = open_listener(s, &config->listen, err);
	if (rc == 0)
		rc = start_sweeper(s, err);
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
		install_rules(s, rules);
	return rc;
}

/* ---- stopping ---- */

void intake_server_quiesce(struct intake_server *s)
{
	/* Not MHD_quiesce_daemon: in 0.9.75 it races with its own threads for the listening socket's place in
	 * epoll, and aborts the process when it comes second. connection_accept_policy turns everybody away. */
	atomic_store(&s->closing, true);
}

/* Waits for *count to become 0; false when it did not in time. */
static bool wait_zero(struct intake_server *s, const unsigned *count, int64_t timeout_ms)
{
	/* The clock of the wait is the system's, whatever the server's own is. */
	struct clock clock = clock_system();
	int64_t until_ms = clock.now_ms(clock.ctx) + timeout_ms, left_ms = timeout_ms;
	(void)pthread_mutex_lock(&s->lock);
	s->waiters++;
	while (*count > 0 && left_ms > 0) {
		wait_changed(s, left_ms);
		left_ms = until_ms - clock.now_ms(clock.ctx);
	}
	s->waiters--;
	bool zero = *count == 0;
	(void)pthread_mutex_unlock(&s->lock);
	return zero;
}

bool intake_server_wait_idle(struct intake_server *s, int64_t timeout_ms)
{
	bool idle = wait_zero(s, &s->busy, timeout_ms);
	/* What is not committed now may be later; sent again it is a duplicate then. */
	waiting_answer_late(s, INT64_MAX);
	return idle;
}

void intake_server_stop(struct intake_server *s)
{
	if (s == NULL)
		return;
	intake_server_quiesce(s);
	waiting_answer_late(s, INT64_MAX);
	/* MHD_stop_daemon aborts while a connection is suspended. All are resumed, so this ends soon. */
	while (!wait_zero(s, &s->suspended, LAST_ANSWERS_MS))
		;
	(void)wait_zero(s, &s->busy, LAST_ANSWERS_MS);
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon); /* closes the listening socket */
	else if (s->listen_fd >= 0)
		(void)close(s->listen_fd);
	stop_sweeper(s);
	(void)pthread_mutex_lock(&s->lock);
	linger_sweep(s, INT64_MAX);
	(void)pthread_mutex_unlock(&s->lock);
	intake_server_unref(s);
}
