/* The HTTP half of the sink: connections and requests. */
#include "gateway/sink/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define READ_BYTES     16384
#define REQUEST_MAX    (64u * 1024 * 1024)
#define REQUEST_BROKEN SIZE_MAX

/* ---- reading a request ---- */

struct str sink_header(struct str headers, const char *name)
{
	size_t name_len = strlen(name);
	const char *p = headers.p;
	const char *end = headers.p + headers.len;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			break;
		if ((size_t)(stop - p) > name_len && p[name_len] == ':' && strncasecmp(p, name, name_len) == 0) {
			const char *value = p + name_len + 1;
			while (value < stop && *value == ' ')
				value++;
			const char *last = stop > value && stop[-1] == '\r' ? stop - 1 : stop;
			return (struct str){ .p = value, .len = (size_t)(last - value) };
		}
		p = stop + 1;
	}
	return (struct str){ .p = "", .len = 0 };
}

static bool split_first_line(struct str line, struct sink_request *r)
{
	const char *space = memchr(line.p, ' ', line.len);
	if (space == NULL)
		return false;
	r->method = (struct str){ .p = line.p, .len = (size_t)(space - line.p) };
	const char *target = space + 1;
	size_t left = line.len - r->method.len - 1;
	space = memchr(target, ' ', left);
	if (space == NULL || target[0] != '/')
		return false;
	const char *mark = memchr(target, '?', (size_t)(space - target));
	const char *path_end = mark != NULL ? mark : space;
	r->path = (struct str){ .p = target, .len = (size_t)(path_end - target) };
	r->query = (struct str){ .p = mark != NULL ? mark + 1 : "",
							 .len = mark != NULL ? (size_t)(space - mark - 1) : 0 };
	return true;
}

static void send_continue(struct sink_conn *c, const struct sink_request *r)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	if (c->continued || sink_header(r->headers, "Expect").len == 0)
		return;
	c->continued = true;
	const struct sink_reply *reply = sink_peek_reply(sink_endpoint_of(c->sink, r->path));
	if (reply != NULL && reply->no_continue)
		return;
	ssize_t n = send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	(void)n; /* a peer that is gone shows at the next read */
}

/* Bytes of the whole request at in_at; 0: not all here yet; REQUEST_BROKEN: not understood. */
static size_t parse(struct sink_conn *c, struct sink_request *r)
{
	size_t have = c->in.len - c->in_at;
	if (have == 0)
		return 0;
	const char *p = c->in.data + c->in_at;
	const char *blank = sink_find_text((struct str){ .p = p, .len = have }, "\r\n\r\n");
	if (blank == NULL)
		return have > READ_BYTES * 8 ? REQUEST_BROKEN : 0;
	const char *line_end = sink_find_text((struct str){ .p = p, .len = have }, "\r\n");
	assert(line_end != NULL);
	struct str line = { .p = p, .len = (size_t)(line_end - p) };
	r->headers = (struct str){ .p = line_end + 2, .len = (size_t)(blank + 2 - (line_end + 2)) };
	if (blank == line_end)
		r->headers.len = 0;
	if (!split_first_line(line, r) || sink_header(r->headers, "Transfer-Encoding").len > 0)
		return REQUEST_BROKEN;
	struct str length = sink_header(r->headers, "Content-Length");
	size_t body_len = length.len > 0 ? (size_t)strtoull(length.p, NULL, 10) : 0;
	if (body_len > REQUEST_MAX)
		return REQUEST_BROKEN;
	size_t head_len = (size_t)(blank - p) + 4;
	if (have - head_len < body_len) {
		send_continue(c, r);
		return 0;
	}
	r->body = (struct str){ .p = p + head_len, .len = body_len };
	r->key = sink_header(r->headers, "Idempotency-Key");
	return head_len + body_len;
}

/* ---- answering a request ---- */

static bool is_control(struct str path)
{
	size_t len = sizeof(SINK_CONTROL) - 1;
	return path.len >= len && memcmp(path.p, SINK_CONTROL, len) == 0;
}

static bool answer_control(struct sink_conn *c, const struct sink_request *r)
{
	struct sink_answer answer = { 0 };
	c->endpoint = NULL;
	if (!sink_control(c->sink, r, c, &answer)) {
		c->phase = SINK_CONN_CONTROLLED;
		return true;
	}
	bool alive = sink_conn_answer(c, NULL, r, &answer);
	buf_free(&answer.body);
	return alive;
}

static bool never_answers(const struct sink_reply *reply)
{
	return reply != NULL &&
		   (reply->mode == SINK_HANG || reply->mode == SINK_CLOSE ||
			(reply->mode == SINK_RESET && reply->at_byte == 0) || reply->mode == SINK_NOT_HTTP);
}

/* What takes effect, and what would be answered. */
static void work(struct sink_endpoint *endpoint, const struct sink_reply *reply, uint32_t forced,
				 const struct sink_request *r, struct sink_answer *answer)
{
	answer->status = forced != 0 ? forced : reply != NULL ? reply->status : 0;
	if (answer->status != 0) {
		if (forced == 0)
			buf_add(&answer->body, reply->body.data, reply->body.len);
		return;
	}
	if (reply != NULL && reply->mode == SINK_REDIRECT)
		answer->status = 302;
	else if (endpoint->stub != NULL)
		endpoint->stub->handle(endpoint, r, answer);
	else
		sink_default_work(endpoint, r, answer);
}

static bool answer_endpoint(struct sink_conn *c, const struct sink_request *r)
{
	struct sink_endpoint *endpoint = sink_endpoint_of(c->sink, r->path);
	uint32_t forced = sink_flap_status(&endpoint->flap);
	const struct sink_reply *reply = forced == 0 ? sink_next_reply(endpoint) : NULL;
	struct sink_answer answer = { 0 };
	c->endpoint = endpoint;
	endpoint->connections += c->counted ? 0 : 1;
	c->counted = true;
	if (++endpoint->open > endpoint->max_concurrent)
		endpoint->max_concurrent = endpoint->open;
	work(endpoint, reply, forced, r, &answer);
	sink_record_request(c->sink, endpoint, r, never_answers(reply) ? 0 : answer.status);
	bool alive = sink_conn_answer(c, reply, r, &answer);
	buf_free(&answer.body);
	return alive;
}

static void compact(struct sink_conn *c)
{
	if (c->in_at == c->in.len) {
		buf_clear(&c->in);
	} else if (c->in_at > READ_BYTES) {
		memmove(c->in.data, c->in.data + c->in_at, c->in.len - c->in_at);
		c->in.len -= c->in_at;
	} else {
		return;
	}
	c->in_at = 0;
}

void sink_conn_next(struct sink_conn *c)
{
	while (c->phase == SINK_CONN_READING) {
		struct sink_request r = { 0 };
		size_t len = parse(c, &r);
		if (len == 0)
			break;
		if (len == REQUEST_BROKEN) {
			sink_conn_close(c);
			return;
		}
		bool alive = is_control(r.path) ? answer_control(c, &r) : answer_endpoint(c, &r);
		if (!alive)
			return;
		c->in_at += len;
		c->continued = false;
	}
	compact(c);
}

/* ---- waiting control requests ---- */

void sink_http_resume(void *waiter, struct sink_answer *answer)
{
	struct sink_conn *c = waiter;
	struct sink_request none = { 0 };
	ev_timer_stop(c->sink->loop, &c->timer);
	c->phase = SINK_CONN_READING;
	if (sink_conn_answer(c, NULL, &none, answer))
		sink_conn_next(c);
}

static void on_wait_over(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	struct sink_conn *c = watcher->data;
	sink_control_wake(c->sink);
}

void sink_http_wait_ms(void *waiter, int64_t ms)
{
	struct sink_conn *c = waiter;
	ev_timer_init(&c->timer, on_wait_over, (double)ms / 1000.0 + 0.001, 0.0);
	c->timer.data = c;
	ev_timer_start(c->sink->loop, &c->timer);
}

/* ---- connections ---- */

void sink_conn_close(struct sink_conn *c)
{
	if (c->phase == SINK_CONN_CONTROLLED)
		sink_control_forget(c->sink, c);
	if (c->endpoint != NULL)
		c->endpoint->open--;
	ev_timer_stop(c->sink->loop, &c->timer);
	ev_io_stop(c->sink->loop, &c->io);
	LIST_REMOVE(c, link);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

void sink_conn_watch(struct sink_conn *c, int events)
{
	if (c->io.events == events)
		return;
	ev_io_stop(c->sink->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	ev_io_start(c->sink->loop, &c->io);
}

static bool read_some(struct sink_conn *c)
{
	char chunk[READ_BYTES];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	buf_add(&c->in, chunk, (size_t)n);
	return c->in.len < REQUEST_MAX + READ_BYTES * 2;
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	struct sink_conn *c = watcher->data;
	if ((revents & EV_WRITE) != 0 && c->phase == SINK_CONN_WRITING && !sink_conn_flush(c))
		return;
	if ((revents & EV_READ) != 0 && !read_some(c)) {
		sink_conn_close(c);
		return;
	}
	sink_conn_next(c);
}

void sink_http_accept(struct sink *sink, int fd)
{
	int on = 1;
	int failed = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert(failed == 0);
	struct sink_conn *c = mem_zalloc(sizeof(*c));
	c->sink = sink;
	c->fd = fd;
	LIST_INSERT_HEAD(&sink->conns, c, link);
	ev_io_init(&c->io, on_ready, fd, EV_READ);
	c->io.data = c;
	ev_io_start(sink->loop, &c->io);
}

void sink_http_close_all(struct sink *sink)
{
	struct sink_conn *c;
	while ((c = LIST_FIRST(&sink->conns)) != NULL)
		sink_conn_close(c);
}
