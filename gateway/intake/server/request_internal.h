/* Shared by the files that handle one request of the intake server. In reading order:
 *
 *     request.c          callbacks of libmicrohttpd
 *     request_body.c     a body while it arrives
 *     request_submit.c   a complete request: verify, hand over to the journal
 *     request_answer.c   what is sent back
 *     request_state.c    references, headers
 *
 * A request belongs to the thread of libmicrohttpd that serves its connection, until it is submitted; see
 * waiting.c for what may happen then. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_REQUEST_INTERNAL_H
#define ALMONER_GATEWAY_INTAKE_SERVER_REQUEST_INTERNAL_H

#include "gateway/intake/server/server_internal.h"

struct server_request {
	TAILQ_ENTRY(server_request) waiting_link;
	struct intake_server *server;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct rules *rules; /* a reference to the rules; NULL until the headers are complete */
	/* the source of the request, within `rules`; NULL: no source was found */
	const struct source_rules *source;
	struct counter *counter;    /* of the source; NULL before find_source */
	char *uri;                  /* the URI as in the request line, with the query; owned */
	struct peer_address client; /* the sender: the peer, or the address that a trusted proxy names */
	bool client_counted;        /* server->peers counts the client, which is behind a proxy */
	struct buf body;
	int64_t reading_bytes; /* the request's share of server->reading_bytes */
	size_t excess_bytes;   /* bytes of the body that were read and dropped */
	bool started;          /* the headers are complete, and `begin` has decided about them */
	bool answer_ready;     /* `answer` is decided without the journal */
	/* Under the lock. */
	bool waiting;   /* in server->waiting */
	bool suspended; /* counted in server->suspended */
	bool answered;  /* `answer` was decided by a commit or a deadline */
	int64_t due_ms; /* the time after which a commit is too late for an answer */
	struct intake_answer answer;
	/* atomic count of the request's references: one of the connection, one of the accept */
	unsigned references;
};

/* ---- request_state.c ---- */

struct server_request *request_ref(struct server_request *r);
/* releases a reference; the last release frees the request; Thread: any */
void request_unref(struct server_request *r);
/* Gives a header of the request; NULL if it is absent. `ctx` is the struct MHD_Connection. */
const char *request_mhd_header(void *ctx, const char *name);

/* ---- request.c: callbacks of libmicrohttpd; `cls` is the server ---- */

void *request_open(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result request_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
							   const char *version, const char *data, size_t *data_len, void **slot);
void request_closed(void *cls, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode why);

/* ---- request_body.c ---- */

/* Takes the next bytes of the body, and sets *len to 0, as libmicrohttpd requires. MHD_NO: cut the
 * connection. */
enum MHD_Result request_body_take(struct server_request *r, const char *data, size_t *len);
/* Frees the body of the request, and subtracts it from server->reading_bytes. */
void request_body_drop(struct server_request *r);

/* ---- request_submit.c ---- */

/* True: the journal has the event, and another thread may answer and end `r` at any moment. False: the
 * request is rejected, and r->answer is ready. */
bool request_submit(struct server_request *r);

/* ---- request_answer.c ---- */

enum MHD_Result request_answer_send(struct server_request *r, const struct intake_answer *answer);
/* Stores the answer. It is sent once the body has been read and dropped: an answer before the end of the body
 * costs the sender its connection, and perhaps the answer. */
enum MHD_Result request_answer_later(struct server_request *r, const struct intake_answer *answer);
/* Like request_answer_later, and counts and reports the rejection. `why` goes to the log and must not
 * contain a donor's data. */
enum MHD_Result request_answer_rejected(struct server_request *r, enum intake_counter count,
										const struct intake_answer *answer, const char *why);
/* Like request_answer_rejected, with status 503; `message` goes into both the answer and the log. */
enum MHD_Result request_answer_busy(struct server_request *r, unsigned retry_after_s, const char *message);

#endif
