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

struct transfer;

#define HTTP_HEADERS_MAX 64
#define DETAIL_BYTES     sizeof(((struct transport_result *)0)->detail)

/* The shapes of a request in libcurl's terms. */
enum http_shape { HTTP_SHAPE_NONE, HTTP_SHAPE_GET, HTTP_SHAPE_HEAD, HTTP_SHAPE_POST };

struct http_header_node {
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
	struct http_header_node nodes[HTTP_HEADERS_MAX + 2];
	size_t node_count;
};

struct smtp_worker;

enum exchange_state {
	EXCHANGE_IDLE,          /* in its pool */
	EXCHANGE_HTTP,          /* with libcurl */
	EXCHANGE_MAIL,          /* in its job's thread */
	EXCHANGE_FAILED_LOCALLY /* to be told so in the next turn: `verdict` and `words` are decided */
};

struct exchange {
	TAILQ_ENTRY(exchange) link;
	struct transfer *transfer;
	enum exchange_state state;
	struct transport_request request;
	int64_t started_ms;
	enum transport_verdict verdict; /* of a stillborn one */
	char reason[DETAIL_BYTES];      /* why */
	struct smtp_worker *worker;     /* SEND_MAIL */
	/* SEND_HTTP */
	CURL *easy;
	bool request_began;  /* see struct http_evidence */
	bool connected;      /* since the last socket opened for it, a request was about to go out: the connection
						  * has become libcurl's own, which is then closed through us */
	bool resend_stopped; /* libcurl wanted to send a second time; we said no */
	bool too_slow;       /* the reply dripped in; we stopped reading */
	bool looking_up;     /* the resolver was asked, and no connection has been opened since */
	bool lookup_refused; /* it was not asked: too many look-ups hang */
	int64_t reply_began_ms;             /* 0: not yet */
	struct transport_limits limits_set; /* what the handle has; -1: nothing yet */
	char error[CURL_ERROR_SIZE];        /* libcurl's words */
	struct http_request http;
	struct http_reply reply;
};

TAILQ_HEAD(exchange_list, exchange);

/* NULL when libcurl has no memory or does not know an option we rely on (`err`). */
MUST_CHECK struct exchange *exchange_create(struct transfer *transfer, enum almoner_action_kind kind,
											struct err *err);
void exchange_destroy(struct exchange *x);

/* Sets an HTTP exchange's handle to x->request; ERR_REFUSED, with the exchange stillborn, if that is not
 * sendable. */
MUST_CHECK int exchange_load(struct exchange *x);

/* The verdict, from the evidence gathered so far; fills `result` but for the duration. `code` is libcurl's,
 * for HTTP. */
void exchange_result(struct exchange *x, CURLcode code, struct transport_result *result);

/* The process stood still so long: the running request gets that time on top. */
void exchange_extend(struct exchange *x, int64_t stalled_ms);
/* Takes the last request's data out; the handle stays. */
void exchange_unload(struct exchange *x);

/* Nothing will be sent; returns ERR_REFUSED. */
int exchange_fail(struct exchange *x, enum transport_verdict verdict, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define exchange_refuse(x, ...) exchange_fail((x), TRANSPORT_NOT_SENDABLE, __VA_ARGS__)

/* ---- for both kinds ---- */

/* What holds for every handle, of the loop and of the mail threads; `error` has CURL_ERROR_SIZE. */
MUST_CHECK CURLcode curl_options_set_common(CURL *easy, char *error);
/* A time-out in libcurl's terms, where 0 would mean none. */
long curl_options_timeout(int64_t ms);

/* Options of long values, ended by a zero option. */
struct curl_long_option {
	CURLoption option;
	long value;
};
MUST_CHECK CURLcode curl_options_set_longs(CURL *easy, const struct curl_long_option *options);

/* ---- HTTP ---- */

MUST_CHECK CURLcode http_request_init(struct exchange *x);
MUST_CHECK int http_request_load(struct exchange *x);
void http_request_finish(struct http_request *request);

/* ---- sockets of libcurl on the loop ---- */

struct sockets;
struct loop;

struct sockets *sockets_create(struct loop *loop, CURLM *multi);
/* After curl_multi_cleanup, which still closes sockets through it. */
void sockets_destroy(struct sockets *sockets);
/* Connections are opened and closed through these, so that idle ones can stay watched (see sockets.c). */
MUST_CHECK CURLcode sockets_attach(struct sockets *sockets, struct exchange *x);
struct sockets *sockets_of_transfer(struct transfer *transfer);
int64_t transfer_now_ms(const struct transfer *transfer);

/* ---- look-ups of a target's name (lookup.h) ---- */

#define EXCHANGE_LOOKUPS_HANG "look-ups of its name are not answered"
bool lookup_target_begin(struct transfer *transfer, uint32_t target);
void lookup_target_answered(struct transfer *transfer, uint32_t target);

#endif
