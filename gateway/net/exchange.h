/* One exchange: a request, its libcurl handle, the evidence gathered while it runs, and its result.
 *
 * After its end an HTTP exchange keeps its handle, its header nodes and its buffers, and waits in the pool of
 * its target (pool.h); the next request sets only what differs. A mail exchange is created for one mail and
 * destroyed after it. Thread: the loop's. */
#ifndef ALMONER_GATEWAY_NET_EXCHANGE_H
#define ALMONER_GATEWAY_NET_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "gateway/engine/ports.h"
#include "gateway/net/http_reply.h"
#include "gateway/net/http_request.h"

struct lookups;
struct loop;
struct smtp_worker;
struct sockets;

#define EXCHANGE_DETAIL_BYTES sizeof(((struct transport_result *)0)->detail)

/* The reason reported for an exchange that failed because too many look-ups of its target's name hang. */
#define EXCHANGE_LOOKUPS_HANG "look-ups of the host name are not answered"

enum exchange_state {
	EXCHANGE_IDLE, /* in its pool */
	EXCHANGE_HTTP, /* with libcurl */
	EXCHANGE_MAIL, /* in its worker's thread */
	/* the exchange failed before sending; the result is delivered in the next turn of the loop */
	EXCHANGE_FAILED_LOCALLY
};

struct exchange {
	TAILQ_ENTRY(exchange) link;
	struct loop *loop;       /* borrowed */
	struct sockets *sockets; /* borrowed */
	struct lookups *lookups; /* look-ups of the target's name; borrowed from its pool */
	enum exchange_state state;
	struct transport_request request;
	int64_t started_ms; /* monotonic */

	/* EXCHANGE_FAILED_LOCALLY */
	enum transport_verdict verdict;
	char reason[EXCHANGE_DETAIL_BYTES];

	/* ALMONER_SEND_MAIL */
	struct smtp_worker *worker; /* the thread that sends the mail; owned by the list of workers */

	/* ALMONER_SEND_HTTP; the members `easy` to `looking_up` are evidence */
	CURL *easy;
	bool request_began;     /* see struct http_evidence */
	bool connected;         /* libcurl was about to send since the last socket was opened: the connection is
						  * established, and libcurl will close it through sockets.c */
	bool resend_stopped;    /* libcurl wanted to send the request a second time and was stopped */
	bool too_slow;          /* the reply came too slowly, and reading it was stopped */
	bool looking_up;        /* the resolver was asked, and no connection has been opened since */
	bool lookup_stopped;    /* the resolver was not asked, because too many look-ups hang */
	int64_t reply_began_ms; /* 0: no byte of the reply yet */
	struct transport_limits limits_set; /* the limits to which the handle is set; -1: nothing yet */
	char error[CURL_ERROR_SIZE];        /* libcurl's description of a failure; "" for none */
	struct http_request http;
	struct http_reply reply;
};

TAILQ_HEAD(exchange_list, exchange);

/* Creates an idle exchange for HTTP or for mail. NULL with `err` filled when libcurl has no memory or does
 * not know an option that almoner relies on. `loop`, `sockets` and `lookups` are borrowed and must outlive
 * the exchange; the last two may be NULL for mail. */
MUST_CHECK struct exchange *exchange_create(enum almoner_action_kind kind, struct loop *loop,
											struct sockets *sockets, struct lookups *lookups,
											struct err *err);
void exchange_destroy(struct exchange *x); /* accepts NULL */

/* Sets an HTTP exchange's handle to x->request. False when the request is not sendable: the exchange has then
 * failed locally. */
MUST_CHECK bool exchange_load(struct exchange *x);

/* The process stood still for `stalled_ms`: gives the running HTTP request that time on top of its limits. */
void exchange_extend(struct exchange *x, int64_t stalled_ms);

/* Forgets the last request and its reply; the handle stays. */
void exchange_unload(struct exchange *x);

/* Ends an exchange that has sent nothing: sets the state to EXCHANGE_FAILED_LOCALLY and stores the result. */
void exchange_fail(struct exchange *x, enum transport_verdict verdict, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Fills `result`, except for its duration, from the evidence gathered so far. `code` is how libcurl ended;
 * it counts for HTTP only. The reply in `result` is borrowed from the exchange. */
void exchange_result(struct exchange *x, CURLcode code, struct transport_result *result);

#endif
