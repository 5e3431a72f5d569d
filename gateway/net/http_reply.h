/* Collects one HTTP reply within bounds: fields of the final head (a 1xx head is dropped, trailers too), and
 * the body up to a cap. Pure. Thread: any. */
#ifndef ALMONER_NET_HTTP_REPLY_H
#define ALMONER_NET_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"
#include "saga/base/buf.h"

#define HTTP_REPLY_FIELDS_MAX   100
#define HTTP_REPLY_HEAD_BYTES   (64 * 1024)  /* kept */
#define HTTP_REPLY_LINES_BYTES  (256 * 1024) /* all header lines together, 1xx and trailers included */
#define HTTP_REPLY_BUFFER_BYTES (64 * 1024)  /* buffers above this are given back after each reply */

struct http_reply {
	struct buf head; /* name NUL value NUL … */
	size_t field_count;
	struct almoner_header fields[HTTP_REPLY_FIELDS_MAX]; /* pointers are set by http_reply_fields */
	size_t line_bytes;
	bool interim;       /* the head being read is a 1xx */
	bool head_complete; /* the blank line of the final head was seen */
	bool head_too_long; /* more header bytes than anybody needs: reading stopped */
	struct buf body;
	size_t body_cap_bytes;
	bool truncated; /* the body went on beyond the cap: reading stopped */
};

void http_reply_init(struct http_reply *r);
void http_reply_finish(struct http_reply *r);
/* Empties it for the next reply and keeps its memory, unless that has grown large. */
void http_reply_reset(struct http_reply *r, size_t body_cap_bytes);

/* One header line with its line end, the status line and the blank line included. False: stop reading. */
MUST_CHECK bool http_reply_line(struct http_reply *r, const char *line, size_t len);
/* The next bytes of the body. False: stop reading. */
MUST_CHECK bool http_reply_body(struct http_reply *r, const char *bytes, size_t len);

/* A reply that has begun must not come slower than this once it has had this long: a peer that drips one byte
 * a second would hold a slot until the total time-out. Silence before the first byte is the time-out's
 * business. */
#define HTTP_REPLY_SLOW_AFTER_MS    15000
#define HTTP_REPLY_SLOW_BYTES_PER_S 16
bool http_reply_is_slow(const struct http_reply *r, int64_t taken_ms);

/* The collected fields; borrowed until the next call that takes the reply. */
const struct almoner_header *http_reply_fields(struct http_reply *r);

#endif
