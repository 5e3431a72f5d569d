/* almoner-sink: the receivers that the demo, the tests and the benchmarks send to. One process, one thread.
 *
 * HTTP: every path is a place of its own, with a behaviour (what it answers, in what manner), counters and a
 * record of what came. SMTP: the place "/smtp". The places "/quickbooks" and "/civicrm" are stateful stubs.
 * The control interface is described in control.c and, for shells, in README.md. */
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

#define SINK_ENTRIES_MAX 20000
#define SINK_STATUS_MAX  600

/* How an answer is given. */
#define SINK_MODES(X)                                                                                        \
	X(SINK_NORMAL, "normal")                                                                                 \
	X(SINK_HANG, "hang")                       /* take the request, never answer */                          \
	X(SINK_CLOSE, "close_after_body")          /* read all of the request, close without a byte */           \
	X(SINK_RESET, "reset_at_byte")             /* answer `at_byte` bytes, then reset the connection */       \
	X(SINK_DRIP, "drip")                       /* one byte every `drip_ms` (1000) */                         \
	X(SINK_ENDLESS_HEADERS, "endless_headers") /* header lines for ever */                                   \
	X(SINK_ENDLESS_BODY, "endless_body")       /* ten gigabytes */                                           \
	X(SINK_BAD_CHUNKING, "bad_chunking")       /* a chunk size that is none */                               \
	X(SINK_WRONG_LENGTH, "wrong_length")       /* Content-Length promises 100 bytes too many, then close */  \
	X(SINK_REDIRECT, "redirect_loop")          /* 302 to itself */                                           \
	X(SINK_NOT_HTTP, "not_http")               /* some bytes that are no HTTP, then close */

enum sink_mode {
#define SINK_MODE_ENUM(name, text) name,
	SINK_MODES(SINK_MODE_ENUM)
#undef SINK_MODE_ENUM
		SINK_MODE_COUNT
};

/* One entry of a behaviour. Without a status the place does its work (the stub acts, an id is given); with
 * one it only answers, and nothing takes effect. */
struct sink_reply {
	uint32_t status;
	enum sink_mode mode;
	uint32_t times; /* 0: for ever */
	int64_t delay_ms;
	uint64_t at_byte;
	int64_t drip_ms;
	uint32_t interim;   /* this many 103 answers first */
	bool no_continue;   /* never answer Expect: 100-continue */
	struct buf headers; /* "Name: value\r\n"… */
	struct buf body;
};

/* On for so many requests or milliseconds, then off (answers `status`), and so on. Zero: not in use. */
struct sink_flap {
	uint32_t on_requests;
	uint32_t off_requests;
	int64_t on_ms;
	int64_t off_ms;
	uint32_t status;
	uint64_t seen;
	int64_t since_ms;
};

struct sink_request {
	struct str method;
	struct str path;
	struct str query;
	struct str headers; /* the raw lines, each with CR LF */
	struct str key;     /* Idempotency-Key */
	struct str body;
};

struct sink_answer {
	uint32_t status;
	struct buf body;
};

struct sink_entry {
	STAILQ_ENTRY(sink_entry) link;
	int64_t at_ms;
	uint32_t status; /* 0: not answered */
	struct buf data; /* method, path, query, key, headers, body, each length-prefixed (buf_bytes) */
};

struct sink_key {
	uint64_t requests;
	uint64_t successes;
	uint64_t id;
};

struct sink_endpoint;

/* A stub answers requests below its place. */
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
	uint64_t unanswered;
	uint64_t answered;    /* answers gone out whole */
	uint64_t repeats;     /* requests whose key had been seen before */
	uint64_t duplicates;  /* successes under a key that already had one */
	uint64_t ids;         /* given out so far */
	uint64_t connections; /* whose first request came here */
	uint64_t open;
	uint64_t max_concurrent;
	uint64_t by_status[SINK_STATUS_MAX];
	struct sink_map keys; /* of struct sink_key */
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

/* A control request that waits for a counter. */
struct sink_continuation {
	void (*resume)(void *conn, struct sink_answer *answer);
	void (*wait_ms)(void *conn, int64_t ms);
};

struct sink_waiter {
	void *conn;
	const struct sink_continuation *how;
	char path[200];
	char counter[40];
	json_int_t at_least;
	int64_t until_ms;
	bool entries;
};

struct sink {
	struct ev_loop *loop;
	struct sink_map endpoints; /* of struct sink_endpoint */
	struct smtp_state *smtp;
	LIST_HEAD(, sink_conn) conns;
	LIST_HEAD(, smtp_session) sessions;
	int log_fd;
	bool record;
	struct sink_waiter waiters[SINK_WAITERS_MAX];
	size_t waiter_count;
};

/* CLOCK_MONOTONIC. */
int64_t sink_now_ms(void);
int64_t sink_now_us(void);

/* ---- state ---- */

/* The place of a path, made when new. A path below a stub's is the stub's. */
struct sink_endpoint *sink_endpoint_of(struct sink *sink, struct str path);
void sink_endpoint_reset(struct sink_endpoint *endpoint);
void sink_endpoints_free(struct sink *sink);

/* Replaces a place's behaviour; false with `why` filled when the JSON is not understood. */
MUST_CHECK bool sink_behaviour_set(struct sink_endpoint *endpoint, json_t *behaviour, char why[200]);

void sink_behaviour_drop(struct sink_endpoint *endpoint);

/* The act for the next request; NULL: the default one. Moves the sequence on. */
const struct sink_reply *sink_behaviour_next(struct sink_endpoint *endpoint);
/* Without moving it: what a request's head would meet. */
const struct sink_reply *sink_behaviour_peek(const struct sink_endpoint *endpoint);
/* The status flapping forces on this request; 0: none. */
uint32_t sink_behaviour_flap(struct sink_flap *flap);

/* Does the default work: an id per key. */
void sink_default_work(struct sink_endpoint *endpoint, const struct sink_request *request,
					   struct sink_answer *answer);
/* Counts, records and logs a request that is about to be answered with `status` (0: will not be). */
void sink_record_request(struct sink *sink, struct sink_endpoint *endpoint,
						 const struct sink_request *request, uint32_t status);
json_t *sink_endpoint_stats(struct sink_endpoint *endpoint, bool entries);

/* One line of the independent history, written before the answer goes out. */
void sink_history_add(struct sink *sink, const char *path, struct str key, uint32_t status, struct str body);

/* ---- control ---- */

#define SINK_CONTROL "/_control"

/* Answers a request below SINK_CONTROL; false: later, through sink_waiters_wake (`waiter` waits for a
 * counter). */
MUST_CHECK bool sink_control(struct sink *sink, const struct sink_request *request, void *waiter,
							 const struct sink_continuation *how, struct sink_answer *answer);
bool sink_is_smtp(struct str path);
json_t *sink_waiters_stats(struct sink *sink, struct str path, bool entries);
/* True: `answer` is filled. */
MUST_CHECK bool sink_waiters_try(struct sink *sink, const struct sink_waiter *w, struct sink_answer *answer);
/* A waiter's connection is gone, or its time is over. */
void sink_waiters_forget(struct sink *sink, void *waiter);
/* Looks after all waiters: call it when a counter has moved or time has passed. */
void sink_waiters_wake(struct sink *sink);

/* ---- HTTP ---- */

void sink_http_accept(struct sink *sink, int fd);
void sink_http_close_all(struct sink *sink);

/* Where `text` begins in `in`; NULL: nowhere. */
const char *sink_find_text(struct str in, const char *text);
/* A header's value in raw header lines, without case; empty when absent. */
struct str sink_header(struct str headers, const char *name);
/* A field of a query string or form, decoded; false when absent. */
bool sink_form_field(struct str form, const char *name, struct buf *value);

/* ---- SMTP ---- */

struct smtp_state *sink_smtp_create(void);
void sink_smtp_destroy(struct smtp_state *smtp);
void sink_smtp_accept(struct sink *sink, int fd);
void sink_smtp_close_all(struct sink *sink);
MUST_CHECK bool sink_smtp_set_behaviour(struct smtp_state *smtp, const json_t *behaviour, char why[200]);
json_t *sink_smtp_stats(struct smtp_state *smtp, bool entries);
void sink_smtp_reset(struct smtp_state *smtp);

/* ---- stubs ---- */

extern const struct sink_stub sink_quickbooks;
extern const struct sink_stub sink_civicrm;
/* Puts a JSON value into the answer and drops the reference. */
void sink_answer_json(struct sink_answer *answer, uint32_t status, json_t *value);

#endif
