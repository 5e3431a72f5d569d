/* Collects one HTTP reply within bounds: the header fields of the final reply, and the body up to a cap.
 * Fields of a 1xx reply and trailers are dropped. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_NET_HTTP_REPLY_H
#define ALMONER_GATEWAY_NET_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"
#include "saga/base/buf.h"

/* Bounds against a hostile target; far above what APIs send. Chosen; no measurement. */
#define HTTP_REPLY_FIELDS_MAX 100
#define HTTP_REPLY_HEAD_BYTES (64 * 1024) /* the most bytes of the header fields that are kept */
/* the most bytes of all header lines, with those of 1xx replies and trailers */
#define HTTP_REPLY_LINES_BYTES  (256 * 1024)
#define HTTP_REPLY_BUFFER_BYTES (64 * 1024) /* buffers that grew larger are freed after each reply */

struct http_reply {
	struct buf head; /* the header fields: name, NUL, value, NUL, and so on */
	size_t field_count;
	struct almoner_header fields[HTTP_REPLY_FIELDS_MAX]; /* http_reply_fields sets the pointers */
	size_t line_bytes;
	bool interim;       /* the head that is being read belongs to a 1xx reply */
	bool head_complete; /* the blank line after the head of the final reply came */
	bool head_too_long; /* more than HTTP_REPLY_LINES_BYTES: reading stopped */
	struct buf body;
	size_t body_cap_bytes;
	bool truncated; /* the body is longer than its cap: reading stopped */
};

void http_reply_init(struct http_reply *r);
void http_reply_finish(struct http_reply *r);
/* Empties `r` for the next reply. Keeps the memory of small buffers. */
void http_reply_reset(struct http_reply *r, size_t body_cap_bytes);

/* Takes one header line with its line end, also the status line and the blank line. False: stop reading. */
MUST_CHECK bool http_reply_line(struct http_reply *r, const char *line, size_t len);
/* Takes the next bytes of the reply's body. False: the body reached its cap, so stop reading. */
MUST_CHECK bool http_reply_body(struct http_reply *r, const char *bytes, size_t len);

/* A reply that began more than SLOW_AFTER_MS ago must have come with SLOW_BYTES_PER_S on average.
 * Otherwise a peer that sends one byte a second would occupy one of the target's slots until the time-out
 * of the whole request. Silence before the first byte is left to that time-out. Chosen; no measurement. */
#define HTTP_REPLY_SLOW_AFTER_MS    15000
#define HTTP_REPLY_SLOW_BYTES_PER_S 16
/* `taken_ms`: since the first byte. */
bool http_reply_is_slow(const struct http_reply *r, int64_t taken_ms);

/* Gives the collected header fields, r->field_count of them. Borrowed: valid until the next call with `r`. */
const struct almoner_header *http_reply_fields(struct http_reply *r);

#endif
