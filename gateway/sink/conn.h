/* Inside of the sink's HTTP half: a connection, and how an answer is given on it. */
#ifndef ALMONER_GATEWAY_SINK_CONN_H
#define ALMONER_GATEWAY_SINK_CONN_H

#include <sys/queue.h>

#include "gateway/sink/sink.h"

enum sink_conn_phase {
	SINK_CONN_READING,   /* a request is coming */
	SINK_CONN_DELAYED,   /* the answer is ready and waits for its time */
	SINK_CONN_WRITING,   /* the answer is going out */
	SINK_CONN_SILENT,    /* nothing will ever be said */
	SINK_CONN_CONTROLLED /* a control request waits for a counter */
};

struct sink_conn {
	LIST_ENTRY(sink_conn) link;
	ev_io io;
	ev_timer timer;
	struct sink *sink;
	int fd;
	enum sink_conn_phase phase;
	struct buf in;
	size_t in_at;   /* consumed */
	bool counted;   /* counted as a connection of some place */
	bool continued; /* 100 Continue was sent for the request at in_at */
	struct buf out;
	size_t out_at;
	struct sink_endpoint *endpoint; /* whose `open` counts this request */
	enum sink_mode mode;            /* of the answer going out */
	double drip_s;
	bool close_after;
	bool reset_after;
	uint64_t endless_left; /* filler bytes still to come */
	/* Takes up the next request if the answer is out and one has come. May close the connection. */
	void (*next)(struct sink_conn *c);
};

/* Composes and starts an answer in the manner of `act` (NULL: plainly). False: the connection is gone. */
MUST_CHECK bool sink_conn_answer(struct sink_conn *c, const struct sink_reply *reply,
								 const struct sink_request *request, const struct sink_answer *answer);
/* Writes what can be written; false: the connection is gone. */
MUST_CHECK bool sink_conn_flush(struct sink_conn *c);
void sink_conn_watch(struct sink_conn *c, int events);
void sink_conn_close(struct sink_conn *c);

#define SINK_REQUEST_MAX    (64u * 1024 * 1024)
#define SINK_REQUEST_BROKEN SIZE_MAX

/* Bytes of the whole request at in_at; 0: not all here yet; SINK_REQUEST_BROKEN: not understood. */
size_t sink_request_parse(struct sink_conn *c, struct sink_request *r);

#endif
