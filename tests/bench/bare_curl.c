/* libcurl's multi interface alone on libev, with the settings of gateway/net: pooled easy handles that are never
 * reset, HTTP/1.1 connections that are kept, and a POST of 600 bytes with a key of its own in a header. Any gateway on
 * these libraries does at least this work for each request.
 *
 *     almoner-bare-curl --to HOST:PORT [--count N] [--in-flight N] [--targets N] [--bytes N]
 *
 * --in-flight counts for each target; each target has a path of its own. Prints one JSON object. */
#include <curl/curl.h>
#include <ev.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "saga/base/mem.h"

#define SOCKETS_MAX 4096
#define KEY_BYTES   33

struct bare_curl;

struct bare_transfer {
	struct bare_curl *bare;
	CURL *easy;
	struct curl_slist headers[3];
	char key[sizeof "Idempotency-Key: " + KEY_BYTES];
	size_t reply_bytes;
};

struct bare_curl {
	const char *to;
	size_t count;
	size_t in_flight;
	size_t targets;
	size_t bytes;
	char *body;
	struct ev_loop *loop;
	CURLM *multi;
	ev_timer timer;
	ev_prepare turn;
	ev_io sockets[SOCKETS_MAX]; /* by descriptor */
	bool known[SOCKETS_MAX];
	struct bare_transfer *transfers;
	size_t started;
	size_t done;
	size_t failed;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "almoner-bare-curl: %s\n", what);
	exit(1);
}

/* ---- libcurl on libev ---- */

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	struct bare_curl *b = io->data;
	int running;
	int mask =
		((events & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((events & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	(void)curl_multi_socket_action(b->multi, io->fd, mask, &running);
}

/* Between two requests libcurl lets go of a socket and takes it again: only if that lasts over a turn of the
 * loop does the kernel hear of it. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *slot)
{
	(void)easy;
	(void)slot;
	struct bare_curl *b = ctx;
	must(fd < SOCKETS_MAX, "too many sockets");
	ev_io *io = &b->sockets[fd];
	int events = ((what & CURL_POLL_IN) != 0 && what != CURL_POLL_REMOVE ? EV_READ : 0) |
				 ((what & CURL_POLL_OUT) != 0 && what != CURL_POLL_REMOVE ? EV_WRITE : 0);
	ev_io_stop(b->loop, io);
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (!b->known[fd]) {
		ev_io_init(io, on_ready, fd, events);
		io->data = b;
		b->known[fd] = true;
	} else {
		ev_io_modify(io, events);
	}
	ev_io_start(b->loop, io);
	return 0;
}

static int on_close(void *ctx, curl_socket_t fd)
{
	struct bare_curl *b = ctx;
	ev_io_stop(b->loop, &b->sockets[fd]);
	b->known[fd] = false;
	return close(fd);
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	struct bare_curl *b = timer->data;
	int running;
	(void)curl_multi_socket_action(b->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static int on_timer_change(CURLM *multi, long ms, void *ctx)
{
	(void)multi;
	struct bare_curl *b = ctx;
	ev_timer_stop(b->loop, &b->timer);
	if (ms < 0)
		return 0;
	ev_timer_set(&b->timer, (double)ms / 1000.0, 0.0);
	ev_timer_start(b->loop, &b->timer);
	return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	(void)bytes;
	struct bare_transfer *t = ctx;
	t->reply_bytes += size * count;
	return size * count;
}

/* ---- transfers ---- */

static void start(struct bare_transfer *t)
{
	struct bare_curl *b = t->bare;
	size_t number = b->started++;
	snprintf(t->key, sizeof t->key, "Idempotency-Key: %032zx", number);
	(void)curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)b->bytes);
	(void)curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, b->body);
	must(curl_multi_add_handle(b->multi, t->easy) == CURLM_OK, "adding a handle");
}

static void finish(struct bare_curl *b, CURL *easy, CURLcode code)
{
	struct bare_transfer *t = NULL;
	long status = 0;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	b->failed += code != CURLE_OK || status != 200;
	b->done++;
	(void)curl_multi_remove_handle(b->multi, easy);
	if (b->started < b->count)
		start(t);
	if (b->done == b->count)
		ev_break(b->loop, EVBREAK_ALL);
}

/* Once a turn of the loop, as the gateway does. */
static void collect(struct ev_loop *loop, ev_prepare *turn, int events)
{
	(void)loop;
	(void)events;
	struct bare_curl *b = turn->data;
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(b->multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			finish(b, message->easy_handle, message->data.result);
}

static void set_options(struct bare_transfer *t, const char *url)
{
	static char expect[] = "Expect:", type[] = "Content-Type: application/json";
	static const struct {
		CURLoption option;
		long value;
	} longs[] = { { CURLOPT_NOSIGNAL, 1 },       { CURLOPT_QUICK_EXIT, 1 },
				  { CURLOPT_FOLLOWLOCATION, 0 }, { CURLOPT_NETRC, CURL_NETRC_IGNORED },
				  { CURLOPT_TCP_NODELAY, 1 },    { CURLOPT_TCP_KEEPALIVE, 1 },
				  { CURLOPT_POST, 1 },           { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
				  { CURLOPT_TIMEOUT_MS, 30000 }, { CURLOPT_CONNECTTIMEOUT_MS, 5000 } };
	for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
		must(curl_easy_setopt(t->easy, longs[i].option, longs[i].value) == CURLE_OK, "an option");
	snprintf(t->key, sizeof t->key, "Idempotency-Key: ");
	t->headers[0] = (struct curl_slist){ expect, &t->headers[1] };
	t->headers[1] = (struct curl_slist){ type, &t->headers[2] };
	t->headers[2] = (struct curl_slist){ t->key, NULL };
	(void)curl_easy_setopt(t->easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	(void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, &t->headers[0]);
	(void)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	(void)curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	(void)curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, t->bare);
}

static void begin(struct bare_curl *b)
{
	size_t all = b->in_flight * b->targets;
	b->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	b->multi = curl_multi_init();
	b->transfers = mem_zalloc(all * sizeof *b->transfers);
	ev_init(&b->timer, on_time);
	b->timer.data = b;
	ev_prepare_init(&b->turn, collect);
	b->turn.data = b;
	ev_prepare_start(b->loop, &b->turn);
	(void)curl_multi_setopt(b->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(b->multi, CURLMOPT_SOCKETDATA, b);
	(void)curl_multi_setopt(b->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
	(void)curl_multi_setopt(b->multi, CURLMOPT_TIMERDATA, b);
	(void)curl_multi_setopt(b->multi, CURLMOPT_MAXCONNECTS, 256L);
	(void)curl_multi_setopt(b->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	for (size_t i = 0; i < all && b->started < b->count; i++) {
		char *url AUTO_FREE = mem_printf("http://%s/bare-%zu", b->to, i % b->targets);
		b->transfers[i] = (struct bare_transfer){ .bare = b, .easy = curl_easy_init() };
		set_options(&b->transfers[i], url);
		start(&b->transfers[i]);
	}
}

static void end(struct bare_curl *b)
{
	for (size_t i = 0; i < b->in_flight * b->targets; i++)
		curl_easy_cleanup(b->transfers[i].easy);
	(void)curl_multi_cleanup(b->multi);
	ev_loop_destroy(b->loop);
	free(b->transfers);
	free(b->body);
}

/* ---- running ---- */

static double wall_s(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void options(struct bare_curl *b, int argc, char **argv)
{
	static const struct option table[] = {
		{ "to", required_argument, NULL, 't' },        { "count", required_argument, NULL, 'n' },
		{ "in-flight", required_argument, NULL, 'f' }, { "targets", required_argument, NULL, 'p' },
		{ "bytes", required_argument, NULL, 'b' },     { 0 }
	};
	int c;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 't')
			b->to = optarg;
		else if (c == 'n')
			b->count = strtoul(optarg, NULL, 10);
		else if (c == 'f')
			b->in_flight = strtoul(optarg, NULL, 10);
		else if (c == 'p')
			b->targets = strtoul(optarg, NULL, 10);
		else if (c == 'b')
			b->bytes = strtoul(optarg, NULL, 10);
		else
			b->to = NULL, optind = argc;
	}
	must(b->to != NULL && b->count > 0 && b->in_flight > 0 && b->targets > 0,
		 "usage: almoner-bare-curl --to HOST:PORT [--count N] [--in-flight N] [--targets N] [--bytes N]");
}

int main(int argc, char **argv)
{
	struct bare_curl *b = mem_zalloc(sizeof *b);
	*b = (struct bare_curl){ .count = 60000, .in_flight = 16, .targets = 3, .bytes = 600 };
	options(b, argc, argv);
	b->body = mem_alloc(b->bytes + 1);
	memset(b->body, 'x', b->bytes);
	b->body[b->bytes] = '\0';
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl does not start");
	begin(b);
	double wall = wall_s(), cpu = cpu_s();
	ev_run(b->loop, 0);
	wall = wall_s() - wall;
	cpu = cpu_s() - cpu;
	printf("{\"requests\":%zu,\"failed\":%zu,\"seconds\":%.6f,\"per_s\":%.1f,\"cpu_s\":%.6f,"
		   "\"cpu_us_each\":%.3f}\n",
		   b->done, b->failed, wall, (double)b->done / wall, cpu, cpu * 1e6 / (double)b->done);
	end(b);
	curl_global_cleanup();
	free(b);
	return 0;
}
