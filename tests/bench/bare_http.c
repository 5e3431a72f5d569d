/* libmicrohttpd alone, with the settings of gateway/intake: each POST is read, suspended, passed to another thread,
 * resumed by that thread and answered with 202. Any gateway on this library does at least this work for each request.
 *
 *     almoner-bare-http [--threads N] [--direct]
 *
 * With --direct the thread of the library answers at once. Prints the port, and at SIGTERM or SIGINT one JSON object:
 * requests and CPU. */
#include <getopt.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "saga/base/buf.h"
#include "saga/base/mem.h"

/* As gateway/intake: connections_total, headers_bytes + its extra. */
#define CONNECTIONS_MAX 1024
#define POOL_BYTES      (16384 + 8192)
#define BODY_MAX        (1 << 20)

struct request {
	STAILQ_ENTRY(request) link;
	struct MHD_Connection *connection;
	struct buf body;
	bool answered;
};

struct bare_server {
	pthread_mutex_t lock;
	pthread_cond_t more;
	STAILQ_HEAD(requests, request) waiting;
	uint64_t served;
	bool ending;
	bool direct;
	unsigned threads;
};

static enum MHD_Result answer(struct MHD_Connection *connection)
{
	static const char text[] = "{\"saga\":1042}";
	struct MHD_Response *response =
		MHD_create_response_from_buffer(sizeof text - 1, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ok = MHD_add_response_header(response, "Content-Type", "application/json");
	if (ok == MHD_YES)
		ok = MHD_queue_response(connection, 202, response);
	MHD_destroy_response(response);
	return ok;
}

static void hand_over(struct bare_server *s, struct request *r)
{
	MHD_suspend_connection(r->connection);
	pthread_mutex_lock(&s->lock);
	bool first = STAILQ_EMPTY(&s->waiting);
	STAILQ_INSERT_TAIL(&s->waiting, r, link);
	pthread_mutex_unlock(&s->lock);
	if (first)
		(void)pthread_cond_signal(&s->more);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
							  const char *method, const char *version, const char *data, size_t *len,
							  void **slot)
{
	struct bare_server *s = cls;
	struct request *r = *slot;
	(void)url;
	(void)method;
	(void)version;
	if (r == NULL) {
		r = mem_zalloc(sizeof *r);
		r->connection = connection;
		buf_init(&r->body, BODY_MAX);
		*slot = r;
		return MHD_YES;
	}
	if (*len > 0) {
		buf_add(&r->body, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (r->answered || s->direct)
		return answer(connection);
	r->answered = true; /* when it comes here again */
	hand_over(s, r);
	return MHD_YES;
}

static void completed(void *cls, struct MHD_Connection *connection, void **slot,
					  enum MHD_RequestTerminationCode why)
{
	struct bare_server *s = cls;
	struct request *r = *slot;
	(void)connection;
	(void)why;
	if (r == NULL)
		return;
	(void)__atomic_add_fetch(&s->served, 1, __ATOMIC_RELAXED);
	buf_free(&r->body);
	free(r);
	*slot = NULL;
}

/* Takes all that wait at once, as the log thread does. */
static void *resume_all(void *arg)
{
	struct bare_server *s = arg;
	pthread_mutex_lock(&s->lock);
	while (!s->ending) {
		struct requests batch = STAILQ_HEAD_INITIALIZER(batch);
		struct request *r;
		while (STAILQ_EMPTY(&s->waiting) && !s->ending)
			(void)pthread_cond_wait(&s->more, &s->lock);
		STAILQ_CONCAT(&batch, &s->waiting);
		pthread_mutex_unlock(&s->lock);
		while ((r = STAILQ_FIRST(&batch)) != NULL) {
			STAILQ_REMOVE_HEAD(&batch, link);
			MHD_resume_connection(r->connection); /* it may be gone after this */
		}
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static double cpu_s(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct MHD_Daemon *start(struct bare_server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct MHD_OptionItem options[] = {
		{ MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL },
		{ s->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)s->threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
							NULL, NULL, handle, s, MHD_OPTION_NOTIFY_COMPLETED, completed, s,
							MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_ARRAY, options,
							MHD_OPTION_END);
}

static void options(struct bare_server *s, int argc, char **argv)
{
	static const struct option table[] = { { "threads", required_argument, NULL, 't' },
										   { "direct", no_argument, NULL, 'd' },
										   { 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 't') {
			s->threads = (unsigned)strtoul(optarg, NULL, 10);
		} else if (c == 'd') {
			s->direct = true;
		} else {
			(void)fputs("usage: almoner-bare-http [--threads N] [--direct]\n", stderr);
			exit(2);
		}
	}
}

static void stop(struct bare_server *s, pthread_t thread, struct MHD_Daemon *daemon)
{
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_mutex_unlock(&s->lock);
	(void)pthread_cond_signal(&s->more);
	(void)pthread_join(thread, NULL);
	MHD_stop_daemon(daemon);
}

int main(int argc, char **argv)
{
	struct bare_server s = { .lock = PTHREAD_MUTEX_INITIALIZER,
							 .more = PTHREAD_COND_INITIALIZER,
							 .threads = 2 };
	STAILQ_INIT(&s.waiting);
	options(&s, argc, argv);
	sigset_t ends;
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL);

	pthread_t thread;
	struct MHD_Daemon *daemon = start(&s);
	if (daemon == NULL || pthread_create(&thread, NULL, resume_all, &s) != 0) {
		(void)fputs("almoner-bare-http: does not start\n", stderr);
		return 1;
	}
	printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	double before = cpu_s();
	int got;
	(void)sigwait(&ends, &got);
	double used = cpu_s() - before;
	printf("{\"requests\":%llu,\"cpu_s\":%.6f,\"cpu_us_each\":%.3f}\n", (unsigned long long)s.served, used,
		   s.served > 0 ? used * 1e6 / (double)s.served : 0.0);
	stop(&s, thread, daemon);
	return 0;
}
