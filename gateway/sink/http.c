/* The HTTP half of the sink: takes requests from connections and decides which answer they get. */
#include "gateway/sink/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define READ_BYTES 16384

static void next_request(struct sink_conn *c);

/* ---- control requests that wait ---- */

static void resume(void *waiter, struct sink_answer *answer)
{
	struct sink_conn *c = waiter;
	struct sink_request none = { 0 };
	ev_timer_stop(c->sink->loop, &c->timer);
	c->phase = SINK_CONN_READING;
	if (sink_conn_answer(c, NULL, &none, answer))
		next_request(c);
}

static void on_wait_over(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	struct sink_conn *c = watcher->data;
	sink_waiters_wake(c->sink);
}

static void wait_ms(void *waiter, int64_t ms)
{
	struct sink_conn *c = waiter;
	ev_timer_init(&c->timer, on_wait_over, (double)ms / 1000.0 + 0.001, 0.0);
	c->timer.data = c;
	ev_timer_start(c->sink->loop, &c->timer);
}

static const struct sink_continuation continuation = { resume, wait_ms };

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
	if (!sink_control(c->sink, r, c, &continuation, &answer)) {
		c->phase = SINK_CONN_CONTROLLED;
		return true;
	}
	bool alive = sink_conn_answer(c, NULL, r, &answer);
	buf_free(&answer.body);
	return alive;
}

/* Whether the peer gets no HTTP answer at all; the records then show status 0. */
static bool never_answers(const struct sink_reply *reply)
{
	return reply != NULL &&
		   (reply->mode == SINK_HANG || reply->mode == SINK_CLOSE ||
			(reply->mode == SINK_RESET && reply->at_byte == 0) || reply->mode == SINK_NOT_HTTP);
}

/* Does the work of the endpoint and gives its answer. `forced` (flapping) or a status in the reply replaces
 * the work. */
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

/* The request is recorded before the answer is sent, so the history has every answered request. */
static bool answer_endpoint(struct sink_conn *c, const struct sink_request *r)
{
	struct sink_endpoint *endpoint = sink_endpoint_of(c->sink, r->path);
	uint32_t forced = sink_behaviour_flap(&endpoint->flap);
	const struct sink_reply *reply = forced == 0 ? sink_behaviour_next(endpoint) : NULL;
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

/* Drops the requests that are done from the input, but not for each small one: moving bytes costs time. */
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

/* Several requests may have arrived at once (pipelining): answers them one after the other. */
static void next_request(struct sink_conn *c)
{
	while (c->phase == SINK_CONN_READING) {
		struct sink_request r = { 0 };
		size_t len = sink_request_parse(c, &r);
		if (len == 0)
			break;
		if (len == SINK_REQUEST_BROKEN) {
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

/* ---- connections ---- */

static bool read_some(struct sink_conn *c)
{
	char chunk[READ_BYTES];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	buf_add(&c->in, chunk, (size_t)n);
	return c->in.len < SINK_REQUEST_MAX + READ_BYTES * 2;
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
	next_request(c);
}

void sink_http_accept(struct sink *sink, int fd)
{
	int on = 1;
	int failed = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert(failed == 0);
	struct sink_conn *c = mem_zalloc(sizeof(*c));
	c->sink = sink;
	c->fd = fd;
	c->next = next_request;
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
