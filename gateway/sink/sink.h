/* almoner-sink: the receivers that the demo, the tests and the benchmarks send to. One process, one thread.
 *
 * HTTP: every path is an endpoint of its own, with a behaviour (what it answers, and how), counters, and
 * records of its requests. SMTP has the path "/smtp". The endpoints "/quickbooks" and "/civicrm" are stubs:
 * they keep data as these services do. control.c describes the control interface, README.md shows it for
 * shells.
 *
 * The records of a test's run are in memory, so an endpoint keeps at most SINK_ENTRIES_MAX of them. */
#ifndef ALMONER_GATEWAY_SINK_SINK_H
#define ALMONER_GATEWAY_SINK_SINK_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/sink/map.h"
#include "saga/base/buf.h"
#include "saga/base/check.h"

#define SINK_ENTRIES_MAX 20000 /* chosen: more than any test reads back */
#define SINK_STATUS_MAX  600   /* HTTP statuses are below this one */

/* How an answer is sent: the name in the code and the word in a behaviour. */
#define SINK_MODES(X)                                                                                        \
	X(SINK_NORMAL, "normal")                                                                                 \
	X(SINK_HANG, "hang")                       /* read the request, never answer */                          \
	X(SINK_CLOSE, "close_after_body")          /* read all of the request, close without a byte */           \
	X(SINK_RESET, "reset_at_byte")             /* answer `at_byte` bytes, then reset the connection */       \
	X(SINK_DRIP, "drip")                       /* one byte every `drip_ms` (1000) */                         \
	X(SINK_ENDLESS_HEADERS, "endless_headers") /* header lines without end */                                \
	X(SINK_ENDLESS_BODY, "endless_body")       /* a body of 10 GiB */                                        \
	X(SINK_BAD_CHUNKING, "bad_chunking")       /* a chunk size that is no number */                          \
	X(SINK_WRONG_LENGTH, "wrong_length")       /* Content-Length is 100 too large, then close */             \
	X(SINK_REDIRECT, "redirect_loop")          /* 302 to itself */                                           \
	X(SINK_NOT_HTTP, "not_http")               /* bytes that are not HTTP, then close */

enum sink_mode {
#define SINK_MODE_ENUM(name, text) name,
	SINK_MODES(SINK_MODE_ENUM)
#undef SINK_MODE_ENUM
		SINK_MODE_COUNT
};

/* One reply of a behaviour. With status 0 the endpoint does its work (the stub acts, or an id is given out)
 * and answers with the result. With another status it only answers, and nothing takes effect. */
struct sink_reply {
	uint32_t status;
	enum sink_mode mode;
	uint32_t times;     /* the reply is for this number of requests; 0: for all that follow */
	int64_t delay_ms;   /* pause before the answer is sent */
	uint64_t at_byte;   /* SINK_RESET: bytes of the answer before the reset */
	int64_t drip_ms;    /* SINK_DRIP: pause after each byte */
	uint32_t interim;   /* this many 103 answers come first */
	bool no_continue;   /* do not answer Expect: 100-continue */
	struct buf headers; /* header lines of the reply, each "Name: value\r\n" */
	struct buf body;
};

/* The endpoint works for on_requests requests (or on_ms), then answers `status` for off_requests (or off_ms),
 * and repeats this. All zero: it does not flap. */
struct sink_flap {
	uint32_t on_requests;
	uint32_t off_requests;
	int64_t on_ms;
	int64_t off_ms;
	uint32_t status;
	uint64_t seen;    /* requests counted for on_requests and off_requests */
	int64_t since_ms; /* when flapping by time began, monotonic clock */
};

/* A request; all texts point into the buffer of the connection. */
struct sink_request {
	struct str method;
	struct str path;
	struct str query;
	struct str headers; /* the header lines as received, each with CR LF at its end */
	struct str key;     /* the header Idempotency-Key; empty: none */
	struct str body;
};

struct sink_answer {
	uint32_t status;
	struct buf body;
};

/* The record of one request. */
struct sink_entry {
	STAILQ_ENTRY(sink_entry) link;
	int64_t at_ms;
	uint32_t status; /* the status of the answer; 0: the request got none */
	struct buf data; /* method, path, query, key, headers, body, each length-prefixed (buf_bytes) */
};

/* What an endpoint knows of one idempotency key. */
struct sink_key {
	uint64_t requests;
	uint64_t successes;
	uint64_t id; /* the id given to the first request with this key; 0: none yet */
};

struct sink_endpoint;

/* A stub does the work of an endpoint and of all paths below it. `entries`: also give all records. */
struct sink_stub {
	const char *path;
	void (*handle)(struct sink_endpoint *endpoint, const struct sink_request *request,
				   struct sink_answer *answer);
	json_t *(*stats)(struct sink_endpoint *endpoint, bool entries);
	void (*reset)(struct sink_endpoint *endpoint);
};

struct sink_endpoint {
	char *path;
	struct sink_reply *replies;
	size_t reply_count;
	size_t reply_at;
	uint32_t reply_used;
	struct sink_flap flap;
	uint64_t requests;
	uint64_t unanswered;  /* requests that were to get no answer */
	uint64_t answered;    /* answers sent completely */
	uint64_t repeats;     /* requests whose key an earlier request had */
	uint64_t duplicates;  /* successes (2xx) under a key that already had one */
	uint64_t ids;         /* ids given out so far */
	uint64_t connections; /* connections whose first request was for this endpoint */
	uint64_t open;        /* requests that wait for their answer to be sent */
	uint64_t max_concurrent;
	uint64_t by_status[SINK_STATUS_MAX];
	struct sink_map keys; /* values are struct sink_key */
	STAILQ_HEAD(, sink_entry) entries;
	size_t entry_count;
	uint64_t entries_dropped;
	const struct sink_stub *stub;
	json_t *stub_data;
};

struct smtp_state;
struct sink_conn;
struct smtp_session;

#define SINK_WAITERS_MAX 64

/* A control request that waits until a counter has reached a value. */
/* How a control request that waits is continued: `conn` is the connection, opaque to the control
 * interface. */
struct sink_continuation {
	void (*resume)(void *conn,
				   struct sink_answer *answer); /* sends the answer of the request that has waited */
	void (*wait_ms)(void *conn, int64_t ms);    /* asks for a call of sink_waiters_wake after this time */
};

struct sink_waiter {
	void *conn;
	const struct sink_continuation *how;
	char path[200];
	char counter[40];
	json_int_t at_least;
	int64_t until_ms; /* when the waiting ends with status 408, monotonic clock */
	bool entries;
};

struct sink {
	struct ev_loop *loop;
	struct sink_map endpoints; /* values are struct sink_endpoint */
	struct smtp_state *smtp;
	LIST_HEAD(, sink_conn) conns;
	LIST_HEAD(, smtp_session) sessions;
	int log_fd;  /* the file of --log; -1: none */
	bool record; /* keep records of requests and mails */
	struct sink_waiter waiters[SINK_WAITERS_MAX];
	size_t waiter_count;
};

/* ---- endpoints: state.c ---- */

/* The endpoint of a path, made if it is new. A path below that of a stub belongs to the stub. */
struct sink_endpoint *sink_endpoint_of(struct sink *sink, struct str path);
/* Sets counters, records and the data of a stub back; the behaviour stays. */
void sink_endpoint_reset(struct sink_endpoint *endpoint);
void sink_endpoints_free(struct sink *sink);

/* ---- behaviour.c ---- */

/* Replaces the behaviour of an endpoint. False: the JSON is wrong, `why` says how; then the endpoint may have
 * lost its old behaviour. */
MUST_CHECK bool sink_behaviour_set(struct sink_endpoint *endpoint, json_t *behaviour, char why[200]);

/* Removes all replies: the endpoint does its default work again. */
void sink_behaviour_drop(struct sink_endpoint *endpoint);

/* The reply for the next request, and moves on in the sequence. NULL: do the default work. */
const struct sink_reply *sink_behaviour_next(struct sink_endpoint *endpoint);
/* The reply for the next request, like sink_behaviour_next, but without moving on in the sequence. */
const struct sink_reply *sink_behaviour_peek(const struct sink_endpoint *endpoint);
/* Counts a request and gives the status that flapping sets for it; 0: the endpoint works now. */
uint32_t sink_behaviour_flap(struct sink_flap *flap);

/* ---- record.c, stats.c, history.c ---- */

/* The work of an endpoint without a stub: an id for each idempotency key, the same for each repeat. */
void sink_default_work(struct sink_endpoint *endpoint, const struct sink_request *request,
					   struct sink_answer *answer);
/* Counts, records and logs a request before it is answered with `status`; 0: it gets no answer. */
void sink_record_request(struct sink *sink, struct sink_endpoint *endpoint,
						 const struct sink_request *request, uint32_t status);
/* The counters of an endpoint as JSON, with `entries` also the records. */
json_t *sink_endpoint_stats(struct sink_endpoint *endpoint, bool entries);

/* Appends a line to the history (--log), which tests compare with the gateway's own records. Call it before
 * the answer is sent: then every answered request is in the history, even if the process is killed. */
void sink_history_add(struct sink *sink, const char *path, struct str key, uint32_t status, struct str body);

/* ---- control interface: control.c, waiters.c ---- */

#define SINK_CONTROL "/_control"

/* Answers a request below SINK_CONTROL. False: the answer comes later, through how->resume(waiter, …),
 * because the request waits for a counter. */
MUST_CHECK bool sink_control(struct sink *sink, const struct sink_request *request, void *waiter,
							 const struct sink_continuation *how, struct sink_answer *answer);
/* Whether a path is "/smtp", which means the SMTP half. */
bool sink_is_smtp(struct str path);
/* The counters of a path, HTTP or SMTP. */
json_t *sink_waiters_stats(struct sink *sink, struct str path, bool entries);
/* True if the wait is over, because the counter has its value (200) or time is up (408): then `answer` is
 * filled. */
MUST_CHECK bool sink_waiters_try(struct sink *sink, const struct sink_waiter *w, struct sink_answer *answer);
/* Removes the waiting request of a connection that is closed. */
void sink_waiters_forget(struct sink *sink, void *waiter);
/* Answers each waiting request whose wait is over. Call it when a counter has changed or a time is up. */
void sink_waiters_wake(struct sink *sink);

/* ---- http.c ---- */

/* Takes over the descriptor of a new connection. */
void sink_http_accept(struct sink *sink, int fd);
void sink_http_close_all(struct sink *sink);

/* ---- form.c ---- */

/* The first occurrence of `text` in `in`; NULL: there is none. */
const char *sink_find_text(struct str in, const char *text);
/* The value of a header in raw header lines, the name in any case; empty if it is absent. */
struct str sink_header(struct str headers, const char *name);
/* A decoded field of a query string or form, which replaces `value`. False if it is absent. */
bool sink_form_field(struct str form, const char *name, struct buf *value);

/* ---- SMTP: smtp.c, mailbox.c ---- */

struct smtp_state *sink_smtp_create(void);
void sink_smtp_destroy(struct smtp_state *smtp);
void sink_smtp_accept(struct sink *sink, int fd);
void sink_smtp_close_all(struct sink *sink);
MUST_CHECK bool sink_smtp_set_behaviour(struct smtp_state *smtp, const json_t *behaviour, char why[200]);
json_t *sink_smtp_stats(struct smtp_state *smtp, bool entries);
void sink_smtp_reset(struct smtp_state *smtp);

/* ---- stubs: quickbooks.c, civicrm.c; json.c ---- */

extern const struct sink_stub sink_quickbooks;
extern const struct sink_stub sink_civicrm;
/* What a peer sent, as a JSON string; JSON strings hold only UTF-8, so other bytes become {"hex": …}. */
json_t *sink_text_json(struct str text);
/* Makes the JSON value the body of the answer and drops the reference. */
void sink_answer_json(struct sink_answer *answer, uint32_t status, json_t *value);

#endif
