/* Inside of the net room: one exchange with its libcurl handle, and what the parts of the transfer share.
 *
 * An HTTP exchange keeps its handle, its header nodes and its buffers when it is over and waits in its
 * target's pool; only what differs is set the next time. A mail exchange is made for one transfer and freed
 * after it. */
#ifndef ALMONER_NET_EXCHANGE_H
#define ALMONER_NET_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "gateway/engine/ports.h"
#include "gateway/net/http_reply.h"
#include "gateway/net/smtp_reply.h"

struct transfer;

#define HTTP_HEADERS_MAX 64
/* A reply that has begun must not come slower than this once it has had this long (a peer that drips one byte
 * a second would hold a slot until the total time-out). Silence before the first byte is the time-out's
 * business. */
#define REPLY_SLOW_AFTER_MS    15000
#define REPLY_SLOW_BYTES_PER_S 16
#define DETAIL_BYTES           sizeof(((struct transport_result *)0)->detail)

/* The shapes of a request in libcurl's terms. */
enum http_shape { HTTP_SHAPE_NONE, HTTP_SHAPE_GET, HTTP_SHAPE_HEAD, HTTP_SHAPE_POST };

struct http_node {
	struct curl_slist link;
	struct buf text;
};

/* What the handle is set to at present. */
struct http_request {
	struct buf url;
	struct buf method;
	enum http_shape shape;
	bool encrypted;
	/* [0] takes away Expect, [1] takes away libcurl's own Content-Type or carries the request's */
	struct http_node nodes[HTTP_HEADERS_MAX + 2];
	size_t node_count;
};

struct mail_request {
	struct curl_slist recipient;
	struct almoner_text message;
	size_t sent;
};

struct exchange {
	TAILQ_ENTRY(exchange) link;
	struct transfer *transfer;
	struct transport_request request;
	CURL *easy;
	int64_t started_ms;
	bool in_multi;
	bool refused;                       /* never handed to libcurl; `refusal` says why */
	bool request_began;                 /* see struct http_evidence */
	bool resend_stopped;                /* libcurl wanted to send a second time; we said no */
	bool too_slow;                      /* the reply dripped in; we stopped reading */
	int64_t reply_began_ms;             /* 0: not yet */
	struct transport_limits limits_set; /* what the handle has; -1: nothing yet */
	char error[CURL_ERROR_SIZE];        /* libcurl's words */
	char refusal[DETAIL_BYTES];         /* ours */
	struct http_request http;           /* SEND_HTTP */
	struct http_reply http_reply;       /* SEND_HTTP */
	struct mail_request mail;           /* SEND_MAIL */
	struct smtp_reply smtp_reply;       /* SEND_MAIL */
};

TAILQ_HEAD(exchange_list, exchange);

/* An exchange with a handle for its kind; NULL when libcurl has no memory or does not know an option we rely
 * on (`err`). The transfer is only needed for its sockets. */
MUST_CHECK struct exchange *exchange_create(struct transfer *transfer, enum almoner_action_kind kind,
											struct err *err);
void exchange_destroy(struct exchange *x);

/* Sets the handle to x->request; ERR_REFUSED with x->refusal filled if that is not sendable. */
MUST_CHECK int exchange_load(struct exchange *x);

/* The verdict, from the evidence gathered so far; fills `result` but for the duration. */
void exchange_judge(struct exchange *x, CURLcode code, struct transport_result *result);

/* Takes the last request's data out; the handle stays. */
void exchange_unload(struct exchange *x);

/* Options of long values, ended by a zero option. */
struct long_option {
	CURLoption option;
	long value;
};
MUST_CHECK CURLcode exchange_set_longs(CURL *easy, const struct long_option *options);

/* --- kinds ------------------------------------------------------------------------------------------------
 */

MUST_CHECK CURLcode http_handle_init(struct exchange *x);
MUST_CHECK int http_handle_load(struct exchange *x);
void http_request_finish(struct http_request *request);

MUST_CHECK CURLcode mail_handle_init(struct exchange *x);
MUST_CHECK int mail_handle_load(struct exchange *x);

/* Says what cannot be sent; returns ERR_REFUSED. */
int exchange_refuse(struct exchange *x, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* --- sockets of libcurl on the loop
 * ------------------------------------------------------------------------- */

struct sockets;
struct loop;

struct sockets *sockets_create(struct loop *loop, CURLM *multi);
/* After curl_multi_cleanup, which still closes sockets through it. */
void sockets_destroy(struct sockets *sockets);
/* Connections are opened and closed through these, so that idle ones can stay watched (see sockets.c). */
MUST_CHECK CURLcode sockets_attach(struct sockets *sockets, CURL *easy);
struct sockets *transfer_sockets(struct transfer *transfer);
int64_t transfer_now_ms(const struct transfer *transfer);

#endif
