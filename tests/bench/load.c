/* almoner-load: posts donations to one address over N kept-alive connections, and measures the answers.
 *
 * By default the loop is closed: each connection sends its next event as soon as it has an answer. With --rate events
 * are due at fixed points in time, and a latency counts from the moment the event was due, also when no connection was
 * free then. One thread; prints one JSON object. With --acks each acknowledged id is written with its times
 * (microseconds of CLOCK_MONOTONIC), for a comparison with the events that arrived. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/buf.h"
#include "saga/base/mem.h"

#define REPLY_BYTES  4096
#define CONNECTIONS  4096
#define NO_EVENT     SIZE_MAX
#define EPOLL_EVENTS 256

struct sent {
	uint64_t due_us;  /* when it was to be sent */
	uint64_t done_us; /* 0: no answer yet */
	uint16_t status;
};

struct connection {
	int fd;
	size_t event; /* the event that is under way; NO_EVENT: none */
	struct buf out;
	size_t out_at;
	char in[REPLY_BYTES];
	size_t in_len;
};

struct load {
	struct sockaddr_in to;
	const char *host; /* as given */
	const char *path;
	const char *prefix;
	const char *acks;
	size_t connection_count;
	size_t total;
	double rate; /* events a second; 0: closed loop */
	size_t donors;
	size_t bytes;
	int epoll;
	int timer;
	struct connection *connections;
	size_t *idle; /* a stack of connections, for --rate */
	size_t idle_count;
	struct sent *sent;
	size_t next;
	size_t due; /* with --rate: how many are due by now */
	size_t done;
	uint64_t began_us;
	uint64_t ended_us;
};

static void give_up(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

static void give_up(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)fputs("almoner-load: ", stderr);
	vfprintf(stderr, fmt, args);
	(void)fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* ---- what is sent ---- */

static void write_body(const struct load *l, size_t n, struct buf *body)
{
	size_t donor = l->donors == 0 ? n : n % l->donors;
	buf_printf(body,
			   "{\"id\":\"%s-%zu\",\"type\":\"donation.created\",\"gift\":\"gift-%s-%zu\","
			   "\"occurred_at\":\"2026-03-01T12:00:00Z\",\"donor\":{\"email\":\"donor-%s-%zu@example.org\","
			   "\"name\":\"Anna Example\",\"phone\":\"+39 06 5550 0000\",\"address\":{\"street\":"
			   "\"Via dei Volsci 12\",\"city\":\"Roma\",\"postcode\":\"00185\",\"country\":\"IT\"}},"
			   "\"amount\":{\"minor\":2500,\"currency\":\"EUR\"},\"fund\":\"general\",\"campaign\":"
			   "\"spring-appeal\",\"recurring\":false,\"note\":\"",
			   l->prefix, n, l->prefix, n, l->prefix, donor);
	while (body->len + 2 < l->bytes)
		buf_byte(body, 'x');
	buf_text(body, "\"}");
}

static void write_request(const struct load *l, size_t n, struct buf *out)
{
	struct buf body AUTO_BUF = { 0 };
	write_body(l, n, &body);
	buf_clear(out);
	buf_printf(
		out, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		l->path, l->host, body.len);
	buf_add(out, body.data, body.len);
}

/* ---- connections ---- */

static void wait_for(struct load *l, size_t at, uint32_t events, int how)
{
	struct epoll_event e = { .events = events, .data.u64 = at };
	if (epoll_ctl(l->epoll, how, l->connections[at].fd, &e) != 0)
		give_up("epoll: %s", strerror(errno));
}

static void open_one(struct load *l, size_t at)
{
	struct connection *c = &l->connections[at];
	const int on = 1;
	c->event = NO_EVENT;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&l->to, sizeof l->to) != 0)
		give_up("connecting: %s", strerror(errno));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct timeval limit = { .tv_sec = 60 };
	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	wait_for(l, at, EPOLLIN, EPOLL_CTL_ADD);
}

static void send_more(struct load *l, size_t at)
{
	struct connection *c = &l->connections[at];
	bool waited = c->out_at > 0;
	ssize_t n = send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		give_up("a connection broke while sending: %s", strerror(errno));
	c->out_at += n > 0 ? (size_t)n : 0;
	if (c->out_at < c->out.len)
		wait_for(l, at, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
	else if (waited)
		wait_for(l, at, EPOLLIN, EPOLL_CTL_MOD);
}

static void start_event(struct load *l, size_t at)
{
	struct connection *c = &l->connections[at];
	c->event = l->next++;
	c->in_len = 0;
	c->out_at = 0;
	write_request(l, c->event, &c->out);
	if (l->rate == 0)
		l->sent[c->event].due_us = now_us();
	send_more(l, at);
}

/* The status of the whole answer in `c`; 0: not all here yet. */
static uint16_t read_answer(const struct connection *c)
{
	const char *blank = memmem(c->in, c->in_len, "\r\n\r\n", 4);
	if (blank == NULL)
		return 0;
	const char *length = strcasestr(c->in, "content-length:");
	size_t body = length != NULL && length < blank ? strtoul(length + 15, NULL, 10) : 0;
	size_t head = (size_t)(blank - c->in) + 4;
	return c->in_len < head + body ? 0 : (uint16_t)strtoul(c->in + 9, NULL, 10);
}

static void continue_sending(struct load *l, size_t at)
{
	struct connection *c = &l->connections[at];
	c->event = NO_EVENT;
	if (l->rate == 0 && l->next < l->total)
		start_event(l, at);
	else if (l->rate > 0 && l->next < l->due)
		start_event(l, at);
	else
		l->idle[l->idle_count++] = at;
}

static void receive(struct load *l, size_t at)
{
	struct connection *c = &l->connections[at];
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - 1 - c->in_len, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 0 && c->event == NO_EVENT) {
		/* At a low rate some connections are not used, and the server closes those. */
		(void)close(c->fd);
		open_one(l, at);
		return;
	}
	if (n <= 0)
		give_up("the server closed a connection after %zu answers", l->done);
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	uint16_t status = read_answer(c);
	if (status == 0)
		return;
	struct sent *s = &l->sent[c->event];
	s->done_us = now_us();
	s->status = status;
	l->done++;
	continue_sending(l, at);
}

/* ---- running ---- */

static void start_timer(struct load *l)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = NO_EVENT };
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &e) != 0)
		give_up("no timer: %s", strerror(errno));
}

static void arm_timer(const struct load *l)
{
	uint64_t at = l->sent[l->due].due_us;
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(at / 1000000u),
											 .tv_nsec = (long)(at % 1000000u) * 1000 } };
	(void)timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void send_due(struct load *l)
{
	uint64_t now = now_us();
	uint64_t expired;
	(void)!read(l->timer, &expired, sizeof expired);
	while (l->due < l->total && l->sent[l->due].due_us <= now)
		l->due++;
	while (l->next < l->due && l->idle_count > 0)
		start_event(l, l->idle[--l->idle_count]);
	if (l->due < l->total)
		arm_timer(l);
}

static void begin(struct load *l)
{
	l->began_us = now_us();
	if (l->rate > 0) {
		for (size_t i = 0; i < l->total; i++)
			l->sent[i].due_us = l->began_us + 1000u + (uint64_t)((double)i * 1e6 / l->rate);
		start_timer(l);
		arm_timer(l);
		return;
	}
	while (l->idle_count > 0 && l->next < l->total)
		start_event(l, l->idle[--l->idle_count]);
}

static void run(struct load *l)
{
	struct epoll_event events[EPOLL_EVENTS];
	begin(l);
	while (l->done < l->total) {
		int n = epoll_wait(l->epoll, events, EPOLL_EVENTS, 60000);
		if (n == 0)
			give_up("no answer for a minute; %zu of %zu are there", l->done, l->total);
		for (int i = 0; i < n; i++) {
			size_t at = (size_t)events[i].data.u64;
			if (at == NO_EVENT) {
				send_due(l);
				continue;
			}
			if ((events[i].events & EPOLLOUT) != 0 && l->connections[at].out_at < l->connections[at].out.len)
				send_more(l, at);
			if ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
				receive(l, at);
		}
	}
	l->ended_us = now_us();
}

/* ---- telling ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void print_statuses(const struct load *l)
{
	size_t counts[600] = { 0 };
	const char *gap = "";
	for (size_t i = 0; i < l->total; i++)
		counts[l->sent[i].status % 600]++;
	printf("\"statuses\":{");
	for (size_t i = 0; i < 600; i++)
		if (counts[i] > 0) {
			printf("%s\"%zu\":%zu", gap, i, counts[i]);
			gap = ",";
		}
	printf("}");
}

static void print_result(const struct load *l)
{
	static const double parts[] = { 0.5, 0.9, 0.99, 0.999 };
	uint64_t *took = mem_alloc(l->total * sizeof *took);
	struct rusage usage;
	(void)getrusage(RUSAGE_SELF, &usage);
	for (size_t i = 0; i < l->total; i++)
		took[i] = l->sent[i].done_us - l->sent[i].due_us;
	qsort(took, l->total, sizeof *took, by_value);
	double seconds = (double)(l->ended_us - l->began_us) / 1e6;
	double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	printf("{\"events\":%zu,\"seconds\":%.6f,\"per_s\":%.1f,\"cpu_s\":%.6f,", l->total, seconds,
		   (double)l->total / seconds, cpu_s);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		printf("\"p%g_us\":%llu,", parts[i] * 100,
			   (unsigned long long)took[(size_t)((double)(l->total - 1) * parts[i])]);
	printf("\"max_us\":%llu,\"began_us\":%llu,", (unsigned long long)took[l->total - 1],
		   (unsigned long long)l->began_us);
	print_statuses(l);
	printf("}\n");
	free(took);
}

static void write_acks(const struct load *l)
{
	FILE *f = fopen(l->acks, "we");
	if (f == NULL)
		give_up("%s: %s", l->acks, strerror(errno));
	for (size_t i = 0; i < l->total; i++)
		if (l->sent[i].status >= 200 && l->sent[i].status < 300)
			fprintf(f, "%s-%zu %llu %llu\n", l->prefix, i, (unsigned long long)l->sent[i].due_us,
					(unsigned long long)l->sent[i].done_us);
	if (fclose(f) != 0)
		give_up("%s: %s", l->acks, strerror(errno));
}

/* ---- options ---- */

static const char usage[] =
	"usage: almoner-load --to HOST:PORT [options]\n"
	"  --path PATH        /in/internal\n"
	"  --connections N    64\n"
	"  --count N          10000 events\n"
	"  --rate R           events a second at fixed points in time; without it, a closed loop\n"
	"  --prefix TEXT      of the events' ids (bench)\n"
	"  --one-donor        all events have one donor; --donors N: N of them in turn (each its own)\n"
	"  --bytes N          of a body (600)\n"
	"  --acks FILE        one line per acknowledged event: id, due and answered in microseconds\n";

static double number(const char *text)
{
	char *end = NULL;
	double value = strtod(text, &end);
	if (end == text || *end != '\0' || value < 0 || value > 1e9) {
		fprintf(stderr, "almoner-load: \"%s\" is not a usable number\n%s", text, usage);
		exit(2);
	}
	return value;
}

static void set_address(struct load *l, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[64] = "";
	if (colon == NULL || (size_t)(colon - text) >= sizeof host)
		give_up("--to wants an IPv4 address and a port");
	memcpy(host, text, (size_t)(colon - text));
	l->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)number(colon + 1)) };
	if (inet_pton(AF_INET, host, &l->to.sin_addr) != 1)
		give_up("--to wants an IPv4 address and a port");
	l->host = text;
}

static const struct option table[] = { { "to", required_argument, NULL, 't' },
									   { "path", required_argument, NULL, 'p' },
									   { "connections", required_argument, NULL, 'c' },
									   { "count", required_argument, NULL, 'n' },
									   { "rate", required_argument, NULL, 'r' },
									   { "prefix", required_argument, NULL, 'x' },
									   { "one-donor", no_argument, NULL, '1' },
									   { "donors", required_argument, NULL, 'd' },
									   { "bytes", required_argument, NULL, 'b' },
									   { "acks", required_argument, NULL, 'a' },
									   { 0 } };

static void set_option(struct load *l, int c)
{
	switch (c) {
	case 't':
		set_address(l, optarg);
		break;
	case 'p':
		l->path = optarg;
		break;
	case 'c':
		l->connection_count = (size_t)number(optarg);
		break;
	case 'n':
		l->total = (size_t)number(optarg);
		break;
	case 'r':
		l->rate = number(optarg);
		break;
	case 'x':
		l->prefix = optarg;
		break;
	case '1':
		l->donors = 1;
		break;
	case 'd':
		l->donors = (size_t)number(optarg);
		break;
	case 'b':
		l->bytes = (size_t)number(optarg);
		break;
	case 'a':
		l->acks = optarg;
		break;
	default:
		(void)fputs(usage, stderr);
		exit(2);
	}
}

static void read_options(struct load *l, int argc, char **argv)
{
	int c;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
		set_option(l, c);
	if (l->host != NULL && l->total > 0 && l->connection_count > 0 && l->connection_count <= CONNECTIONS)
		return;
	(void)fputs(usage, stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct load l = { .path = "/in/internal",
					  .prefix = "bench",
					  .connection_count = 64,
					  .total = 10000,
					  .bytes = 600,
					  .timer = -1 };
	read_options(&l, argc, argv);
	l.connections = mem_zalloc(l.connection_count * sizeof *l.connections);
	l.idle = mem_alloc(l.connection_count * sizeof *l.idle);
	l.sent = mem_zalloc(l.total * sizeof *l.sent);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < l.connection_count; i++) {
		open_one(&l, i);
		l.idle[l.idle_count++] = i;
	}
	run(&l);
	if (l.acks != NULL)
		write_acks(&l);
	print_result(&l);
	for (size_t i = 0; i < l.connection_count; i++) {
		(void)close(l.connections[i].fd);
		buf_free(&l.connections[i].out);
	}
	free(l.connections);
	free(l.idle);
	free(l.sent);
	return 0;
}
