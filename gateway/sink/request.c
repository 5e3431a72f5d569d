/* Reads a request from the bytes that a connection has received. Chunked requests are not supported. */
#include "gateway/sink/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "saga/base/utf8.h"

#define HEAD_MAX_BYTES (128u * 1024) /* longest request head; chosen: more than any connector sends */

/* "METHOD /path?query HTTP/1.1"; the query is empty if there is none. The path names an endpoint in JSON, so
 * it must be UTF-8. */
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
	return utf8_valid(r->path);
}

/* Answers Expect: 100-continue once for a request, unless the reply that waits for it forbids it. */
static void send_continue(struct sink_conn *c, const struct sink_request *r)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	if (c->continued || sink_header(r->headers, "Expect").len == 0)
		return;
	c->continued = true;
	const struct sink_reply *reply = sink_behaviour_peek(sink_endpoint_of(c->sink, r->path));
	if (reply != NULL && reply->no_continue)
		return;
	ssize_t n = send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	(void)n; /* the next read shows whether the peer has gone */
}

/* Parses from the beginning each time: requests are short, and the sink needs no state between reads. */
size_t sink_request_parse(struct sink_conn *c, struct sink_request *r)
{
	size_t have = c->in.len - c->in_at;
	if (have == 0)
		return 0;
	const char *p = c->in.data + c->in_at;
	const char *blank = sink_find_text((struct str){ .p = p, .len = have }, "\r\n\r\n");
	if (blank == NULL)
		return have > HEAD_MAX_BYTES ? SINK_REQUEST_BROKEN : 0;
	const char *line_end = sink_find_text((struct str){ .p = p, .len = have }, "\r\n");
	assert(line_end != NULL);
	struct str line = { .p = p, .len = (size_t)(line_end - p) };
	r->headers = (struct str){ .p = line_end + 2, .len = (size_t)(blank + 2 - (line_end + 2)) };
	if (blank == line_end)
		r->headers.len = 0;
	if (!split_first_line(line, r) || sink_header(r->headers, "Transfer-Encoding").len > 0)
		return SINK_REQUEST_BROKEN;
	struct str length = sink_header(r->headers, "Content-Length");
	size_t body_len = length.len > 0 ? (size_t)strtoull(length.p, NULL, 10) : 0;
	if (body_len > SINK_REQUEST_MAX)
		return SINK_REQUEST_BROKEN;
	size_t head_len = (size_t)(blank - p) + 4;
	if (have - head_len < body_len) {
		send_continue(c, r);
		return 0;
	}
	r->body = (struct str){ .p = p + head_len, .len = body_len };
	r->key = sink_header(r->headers, "Idempotency-Key");
	return head_len + body_len;
}
