/* Private to the HTTP half of the sink: a connection, the requests it brings, and how answers are sent. */
#ifndef ALMONER_GATEWAY_SINK_CONN_H
#define ALMONER_GATEWAY_SINK_CONN_H

#include <sys/queue.h>

#include "gateway/sink/sink.h"

enum sink_conn_phase {
	SINK_CONN_READING,   /* the sink waits for a request, or for the rest of one */
	SINK_CONN_DELAYED,   /* the answer is complete, but is sent only after delay_ms */
	SINK_CONN_WRITING,   /* the answer is being sent */
	SINK_CONN_SILENT,    /* with SINK_HANG: no answer will be sent */
	SINK_CONN_CONTROLLED /* a control request waits until a counter reaches a value */
};

struct sink_conn {
	LIST_ENTRY(sink_conn) link;
	ev_io io;
	ev_timer timer;
	struct sink *sink;
	int fd;
	enum sink_conn_phase phase;
	struct buf in;
	size_t in_at;   /* bytes of `in` that earlier requests took */
	bool counted;   /* the endpoint of the first request has counted this connection */
	bool continued; /* 100 Continue was sent for the request at in_at */
	struct buf out;
	size_t out_at;                  /* bytes of `out` that are sent */
	struct sink_endpoint *endpoint; /* the endpoint whose `open` counts the present request; NULL: none */
	enum sink_mode mode;            /* how the present answer is sent */
	double drip_s;
	bool close_after;
	bool reset_after;
	uint64_t endless_left; /* SINK_ENDLESS_*: bytes still to send */
	/* Handles the next request if the answer is sent and a request is complete. May free the connection. A
	 * pointer, because answer.c, which calls it, is below http.c. */
	void (*next)(struct sink_conn *c);
};

/* Composes an answer and starts to send it, as `reply` says (NULL: normally). False: the connection is closed
 * and freed. */
MUST_CHECK bool sink_conn_answer(struct sink_conn *c, const struct sink_reply *reply,
								 const struct sink_request *request, const struct sink_answer *answer);
/* Sends what the socket takes. False: the connection is closed and freed. */
MUST_CHECK bool sink_conn_flush(struct sink_conn *c);
/* Waits for these events (EV_READ, EV_WRITE) of libev. */
void sink_conn_watch(struct sink_conn *c, int events);
void sink_conn_close(struct sink_conn *c);

#define SINK_REQUEST_MAX    (64u * 1024 * 1024)
#define SINK_REQUEST_BROKEN SIZE_MAX

/* The number of bytes of the complete request at in_at. 0: more bytes must arrive. SINK_REQUEST_BROKEN: no
 * valid request, or one that the sink does not support. */
size_t sink_request_parse(struct sink_conn *c, struct sink_request *r);

#endif
