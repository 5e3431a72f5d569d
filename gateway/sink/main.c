/* almoner-sink --http HOST:PORT --smtp HOST:PORT [--set PATH=JSON]… [--log FILE] [--no-record] [--quiet] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"

static const char usage[] =
	"usage: almoner-sink [--http HOST:PORT] [--smtp HOST:PORT] [options]\n"
	"  Receivers for demo, tests and benchmarks. Port 0 chooses a free port; the addresses are the first "
	"lines of output.\n"
	"  --set PATH=JSON   set the behaviour of a path at the start, like POST /_control/PATH; may be "
	"repeated\n"
	"  --log FILE        append one JSON line per request or mail, before it is answered\n"
	"  --no-record       keep only counters, no records of requests\n"
	"  --quiet           print only the addresses\n";

struct sink_listener {
	ev_io io;
	struct sink *sink;
	int fd;
	void (*take)(struct sink *sink, int fd);
};

static void on_connection(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	(void)revents;
	struct sink_listener *listener = watcher->data;
	for (int i = 0; i < 64; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		listener->take(listener->sink, fd);
	}
}

static bool parse_address(const char *text, struct sockaddr_in *address)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	char *end;
	unsigned long port = strtoul(colon + 1, &end, 10);
	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return *end == '\0' && port <= 65535 && inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

/* Prints the address, with the port that the system chose. */
static bool start_listening(struct sink_listener *l, struct sink *sink, const char *name, const char *text,
							void (*take)(struct sink *, int))
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	int on = 1;
	if (!parse_address(text, &address)) {
		fprintf(stderr, "almoner-sink: --%s needs an IPv4 address and a port, HOST:PORT, not \"%s\"\n", name,
				text);
		return false;
	}
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(l->fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(l->fd, 1024) != 0 ||
		getsockname(l->fd, (struct sockaddr *)&address, &len) != 0) {
		fprintf(stderr, "almoner-sink: cannot listen on %s: %s\n", text, strerror(errno));
		return false;
	}
	char host[INET_ADDRSTRLEN];
	printf("%s %s:%u\n", name, inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host)),
		   ntohs(address.sin_port));
	fflush(stdout);
	l->sink = sink;
	l->take = take;
	ev_io_init(&l->io, on_connection, l->fd, EV_READ);
	l->io.data = l;
	ev_io_start(sink->loop, &l->io);
	return true;
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	(void)watcher;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* The operand of --set: PATH=JSON. */
static bool preset(struct sink *sink, const char *text)
{
	const char *equals = strchr(text, '=');
	char why[200] = "not PATH=JSON";
	json_t *behaviour = equals != NULL ? json_loads(equals + 1, 0, NULL) : NULL;
	bool good = false;
	if (behaviour != NULL) {
		struct str path = { .p = text, .len = (size_t)(equals - text) };
		good = str_is(path, "/smtp") ? sink_smtp_set_behaviour(sink->smtp, behaviour, why)
									 : sink_behaviour_set(sink_endpoint_of(sink, path), behaviour, why);
	}
	json_decref(behaviour);
	if (!good)
		fprintf(stderr, "almoner-sink: --set %s: %s\n", text, why);
	return good;
}

struct sink_options {
	const char *http;
	const char *smtp;
	const char *log;
	bool quiet;
};

/* Reads the command line; --set takes effect at once. False: it is wrong, and the usage must be printed. */
static bool read_options(int argc, char **argv, struct sink_options *o, struct sink *sink)
{
	static const struct option longs[] = { { "http", required_argument, NULL, 'h' },
										   { "smtp", required_argument, NULL, 's' },
										   { "set", required_argument, NULL, 'b' },
										   { "log", required_argument, NULL, 'l' },
										   { "no-record", no_argument, NULL, 'n' },
										   { "quiet", no_argument, NULL, 'q' },
										   { NULL, 0, NULL, 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'h')
			o->http = optarg;
		else if (c == 's')
			o->smtp = optarg;
		else if (c == 'l')
			o->log = optarg;
		else if (c == 'n')
			sink->record = false;
		else if (c == 'q')
			o->quiet = true;
		else if (c != 'b' || !preset(sink, optarg))
			return false;
	}
	return optind == argc && (o->http != NULL || o->smtp != NULL);
}

static bool open_log(struct sink *sink, const char *path)
{
	if (path == NULL)
		return true;
	sink->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (sink->log_fd < 0)
		fprintf(stderr, "almoner-sink: cannot open %s: %s\n", path, strerror(errno));
	return sink->log_fd >= 0;
}

/* Listens and serves until SIGTERM or SIGINT. Gives the exit code. */
static int serve(struct sink *sink, const struct sink_options *o)
{
	struct sink_listener http = { 0 };
	struct sink_listener smtp = { 0 };
	ev_signal stop[2];
	/* Before the addresses are printed: a parent that has read them may already send SIGTERM. */
	ev_signal_init(&stop[0], on_signal, SIGTERM);
	ev_signal_init(&stop[1], on_signal, SIGINT);
	ev_signal_start(sink->loop, &stop[0]);
	ev_signal_start(sink->loop, &stop[1]);
	if (!open_log(sink, o->log) ||
		(o->http != NULL && !start_listening(&http, sink, "http", o->http, sink_http_accept)) ||
		(o->smtp != NULL && !start_listening(&smtp, sink, "smtp", o->smtp, sink_smtp_accept)))
		return 1;
	if (!o->quiet) {
		printf("behaviour and counters: http://…%s/PATH\n", SINK_CONTROL);
		fflush(stdout);
	}
	ev_run(sink->loop, 0);
	return 0;
}

/* SIGPIPE is ignored: a peer that closes early must not end the sink. */
int main(int argc, char **argv)
{
	struct sink *sink = mem_zalloc(sizeof(*sink));
	struct sink_options options = { 0 };
	signal(SIGPIPE, SIG_IGN);
	sink->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	sink->smtp = sink_smtp_create();
	sink->log_fd = -1;
	sink->record = true;
	assert(sink->loop != NULL);
	int status = 2;
	if (read_options(argc, argv, &options, sink))
		status = serve(sink, &options);
	else
		fputs(usage, stderr);
	sink_http_close_all(sink);
	sink_smtp_close_all(sink);
	sink_endpoints_free(sink);
	sink_smtp_destroy(sink->smtp);
	ev_loop_destroy(sink->loop);
	free(sink);
	return status;
}
