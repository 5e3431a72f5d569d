/* Composes an answer and sends it: correctly, or in one of the ways in which peers fail (SINK_MODES). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/sink/conn.h"

/* More than any client reads before a limit or time-out of its own ends the reading. */
#define ENDLESS_BYTES (10ull * 1024 * 1024 * 1024)

static const char *reason_of(uint32_t status)
{
	static const struct {
		uint32_t status;
		const char *text;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 302, "Found" },
		{ 404, "Not Found" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Answer";
}

static void head(struct buf *out, uint32_t status, const struct sink_reply *reply)
{
	buf_printf(out, "HTTP/1.1 %u %s\r\n", status, reason_of(status));
	if (reply != NULL)
		buf_add(out, reply->headers.data, reply->headers.len);
}

static void plain(struct buf *out, const struct sink_reply *reply, const struct sink_answer *answer,
				  size_t promised, bool with_body)
{
	head(out, answer->status, reply);
	if (reply == NULL || sink_find_text(buf_str(&reply->headers), "Content-Type:") == NULL)
		buf_text(out, "Content-Type: application/json\r\n");
	if (answer->status != 204 && answer->status != 304)
		buf_printf(out, "Content-Length: %zu\r\n", promised);
	buf_text(out, "\r\n");
	if (with_body)
		buf_add(out, answer->body.data, answer->body.len);
}

/* Writes the whole answer into c->out, or its beginning (endless modes), and says how it ends. */
static void compose(struct sink_conn *c, const struct sink_reply *reply, const struct sink_request *request,
					const struct sink_answer *answer)
{
	struct buf *out = &c->out;
	bool with_body = !str_is(request->method, "HEAD");
	switch (c->mode) {
	case SINK_ENDLESS_HEADERS:
		head(out, answer->status, reply);
		c->endless_left = ENDLESS_BYTES;
		break;
	case SINK_ENDLESS_BODY:
		head(out, answer->status, reply);
		buf_printf(out, "Content-Length: %llu\r\n\r\n", ENDLESS_BYTES);
		c->endless_left = ENDLESS_BYTES;
		break;
	case SINK_BAD_CHUNKING:
		head(out, answer->status, reply);
		buf_text(out, "Transfer-Encoding: chunked\r\n\r\nZZ\r\nno chunk\r\n");
		c->close_after = true;
		break;
	case SINK_WRONG_LENGTH:
		plain(out, reply, answer, answer->body.len + 100, with_body);
		c->close_after = true;
		break;
	case SINK_REDIRECT:
		head(out, 302, reply);
		buf_printf(out, "Location: %.*s\r\nContent-Length: 0\r\n\r\n", (int)request->path.len,
				   request->path.p);
		break;
	case SINK_NOT_HTTP:
		buf_text(out, "\x16\x03 this is not HTTP at all\r\n");
		c->close_after = true;
		break;
	case SINK_RESET:
		plain(out, reply, answer, answer->body.len, with_body);
		if (out->len > reply->at_byte)
			out->len = reply->at_byte;
		c->reset_after = true;
		break;
	case SINK_NORMAL:
	case SINK_DRIP:
	case SINK_HANG:
	case SINK_CLOSE:
	case SINK_MODE_COUNT:
		plain(out, reply, answer, answer->body.len, with_body);
		break;
	}
}

/* Begins to send: at once, never (SINK_HANG), or byte by byte from a timer (SINK_DRIP). */
static bool start(struct sink_conn *c)
{
	if (c->mode == SINK_CLOSE) {
		sink_conn_close(c);
		return false;
	}
	if (c->mode == SINK_HANG) {
		c->phase = SINK_CONN_SILENT;
		return true;
	}
	c->phase = SINK_CONN_WRITING;
	if (c->mode == SINK_DRIP) {
		ev_timer_set(&c->timer, c->drip_s, c->drip_s);
		ev_timer_start(c->sink->loop, &c->timer);
		return true;
	}
	return sink_conn_flush(c);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)revents;
	struct sink_conn *c = watcher->data;
	bool alive;
	if (c->phase == SINK_CONN_DELAYED) {
		ev_timer_stop(loop, watcher);
		alive = start(c);
	} else {
		alive = sink_conn_flush(c);
	}
	if (alive)
		c->next(c);
}

/* Interim answers (103) are sent together with the final one, after its delay. */
bool sink_conn_answer(struct sink_conn *c, const struct sink_reply *reply, const struct sink_request *request,
					  const struct sink_answer *answer)
{
	buf_clear(&c->out);
	c->out_at = 0;
	c->endless_left = 0;
	c->mode = reply != NULL ? reply->mode : SINK_NORMAL;
	c->drip_s = reply != NULL ? (double)reply->drip_ms / 1000.0 : 0.0;
	for (uint32_t i = 0; reply != NULL && i < reply->interim; i++)
		buf_text(&c->out, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
	compose(c, reply, request, answer);
	ev_init(&c->timer, on_timer);
	c->timer.data = c;
	if (reply == NULL || reply->delay_ms <= 0)
		return start(c);
	c->phase = SINK_CONN_DELAYED;
	ev_timer_set(&c->timer, (double)reply->delay_ms / 1000.0, 0.0);
	ev_timer_start(c->sink->loop, &c->timer);
	return true;
}

static void refill(struct sink_conn *c)
{
	static const char line[] =
		"X-Filler: one of very many header lines, after which the header does not end\r\n";
	buf_clear(&c->out);
	c->out_at = 0;
	while (c->out.len < 32768)
		buf_add(&c->out, line, sizeof(line) - 1);
	if (c->out.len > c->endless_left)
		c->out.len = (size_t)c->endless_left;
	c->endless_left -= c->out.len;
}

/* The answer is sent: counts it and lets the connection read the next request. */
static void finish_answer(struct sink_conn *c)
{
	ev_timer_stop(c->sink->loop, &c->timer);
	c->phase = SINK_CONN_READING;
	sink_conn_watch(c, EV_READ);
	if (c->endpoint == NULL)
		return;
	c->endpoint->open--;
	c->endpoint->answered++;
	c->endpoint = NULL;
	sink_waiters_wake(c->sink);
}

/* With a linger time of 0, close sends RST instead of FIN. */
static void reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int failed = setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	assert(failed == 0);
}

static bool done_writing(struct sink_conn *c)
{
	if (c->reset_after)
		reset(c->fd);
	if (c->reset_after || c->close_after) {
		sink_conn_close(c);
		return false;
	}
	finish_answer(c);
	return true;
}

enum write_progress { PROGRESS_MORE, PROGRESS_LATER, PROGRESS_GONE };

/* Sends a part of the answer. PROGRESS_LATER: the socket is full, or the timer continues. */
static enum write_progress write_some(struct sink_conn *c)
{
	size_t left = c->out.len - c->out_at;
	bool drip = c->mode == SINK_DRIP;
	ssize_t n = send(c->fd, c->out.data + c->out_at, drip ? 1 : left, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return PROGRESS_GONE;
	if (n > 0)
		c->out_at += (size_t)n;
	if (c->out_at == c->out.len)
		return PROGRESS_MORE;
	if (!drip)
		sink_conn_watch(c, EV_READ | EV_WRITE);
	return PROGRESS_LATER; /* SINK_DRIP: its timer sends the next byte */
}

bool sink_conn_flush(struct sink_conn *c)
{
	for (;;) {
		if (c->out_at == c->out.len && c->endless_left > 0)
			refill(c);
		if (c->out_at == c->out.len)
			return done_writing(c);
		enum write_progress progress = write_some(c);
		if (progress == PROGRESS_GONE)
			sink_conn_close(c);
		if (progress != PROGRESS_MORE)
			return progress == PROGRESS_LATER;
	}
}
