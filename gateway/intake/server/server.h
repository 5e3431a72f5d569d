/* The HTTP server for events: POST /in/{source}, /healthz, /readyz, on the epoll threads of libmicrohttpd. A
 * connection is suspended until its event is committed, and answered only then.
 *
 * To stop: intake_server_quiesce, then the journal (its callbacks answer the requests that wait), then
 * intake_server_wait_idle, then intake_server_stop. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_SERVER_H
#define ALMONER_GATEWAY_INTAKE_SERVER_SERVER_H

#include "config/config.h"
#include "saga/base/clock.h"
#include "saga/journal/intake_port.h"

/* Where events go: the journal of a cell, or a stand-in of a test. */
struct intake_journal {
	void *ctx;
	/* Takes an event, as journal_accept does. 0: the journal has `a` and calls a->done once, on any
	 * thread. Other results: `a` still belongs to the caller. */
	int (*accept)(void *ctx, struct accept *a);
	/* Keeps a rejected request, as journal_keep_rejected does. NULL: no rejected requests are kept. */
	int (*keep_rejected)(void *ctx, const struct rejected_row *row, int64_t keep_bytes);
};

struct intake_server_hooks {
	void *ctx;
	/* True if events can be accepted now. False: *why names the reason ("disk low"), for /readyz. A NULL
	 * function: always true. */
	bool (*ready)(void *ctx, const char **why);
	/* Gives the number of open quarantined events of this source. A NULL function: limits.quarantine_cap
	 * is not applied. */
	int64_t (*quarantined)(void *ctx, const char *source);
	/* Reports a request that was rejected (401, 413, 400, 503) or a connection (status 0), for the log;
	 * `why` never contains a donor's data. `source` is "" when none was found. NULL: not reported. */
	void (*rejected)(void *ctx, const char *source, const char *address, int status, const char *why);
};

struct intake_server_options {
	struct intake_journal journal;
	struct intake_server_hooks hooks;
	struct clock clock;
	bool own_sweep; /* true: a thread of the server calls intake_server_sweep; false: the caller does */
};

struct intake_server;
struct rules;

/* Listens on config->listen. ERR_SYSTEM: the address cannot be used, or no thread; ERR_INVALID: see
 * rules_create. Takes its own reference on `config`; copies `options`. */
int intake_server_start(struct config *config, const struct intake_server_options *options,
						struct intake_server **ret, struct err *err) MUST_CHECK;
/* the port on which the server listens, also if 0 was configured */
uint16_t intake_server_port(const struct intake_server *s);
/* Requests that begin from now on use the new configuration. ERR_INVALID: the old one stays. Thread: any. */
int intake_server_set_config(struct intake_server *s, struct config *config, struct err *err) MUST_CHECK;
/* The present rules, as a new reference; replaying kept requests needs them. Thread: any. */
struct rules *intake_server_rules(struct intake_server *s);

/* Ends requests that are too slow. The socket of a request older than limits.request_timeout is shut down.
 * A request whose commit takes longer than limits.commit_wait is answered 503; the event may be committed
 * later, and then the sender's retry is a duplicate. Thread: any. */
void intake_server_sweep(struct intake_server *s, int64_t now_ms);

/* From now on new connections are refused, and new requests on open connections are answered 503. Thread:
 * any. */
void intake_server_quiesce(struct intake_server *s);
/* Waits until no request waits for its commit or is being answered. After `timeout_ms` the requests that
 * still wait are answered 503, and the result is false. */
bool intake_server_wait_idle(struct intake_server *s, int64_t timeout_ms);
/* Ends the server's threads and frees it. A commit that comes even later is harmless. Accepts NULL. */
void intake_server_stop(struct intake_server *s);

/* ---- figures ---- */

#define INTAKE_COUNTER_TABLE(X)                                                                              \
	X(INTAKE_ACCEPTED, "accepted") /* events that made a new saga, also unrouted and quarantined ones */     \
	X(INTAKE_RELATED, "related")                                                                             \
	X(INTAKE_DUPLICATE, "duplicate")                                                                         \
	X(INTAKE_UNROUTED, "unrouted")       /* of the accepted */                                               \
	X(INTAKE_QUARANTINED, "quarantined") /* of the accepted */                                               \
	X(INTAKE_UNVERIFIED, "unverified")   /* 401 */                                                           \
	X(INTAKE_REJECTED_KEPT, "kept")      /* unverified requests that were kept for a replay */               \
	X(INTAKE_TOO_LARGE, "too_large")     /* 413 */                                                           \
	X(INTAKE_BUSY, "busy")               /* 503: queue or disk full, source paused, cap, stopping */         \
	X(INTAKE_LATE, "late")               /* 503: no commit in time */                                        \
	X(INTAKE_SLOW, "slow")               /* request not complete in time */                                  \
	X(INTAKE_GONE, "gone")               /* the sender went away before its answer */
#define INTAKE_COUNTER_ENUM(name, text) name,
enum intake_counter { INTAKE_COUNTER_TABLE(INTAKE_COUNTER_ENUM) INTAKE_COUNTERS };
#undef INTAKE_COUNTER_ENUM
const char *intake_counter_name(enum intake_counter c); /* "?" for a value outside the enum */

struct intake_source_counters {
	/* the name of the source, valid as long as the server; "": requests that reached no source */
	const char *source;
	uint64_t counts[INTAKE_COUNTERS];
};
/* Calls `each` once for each source that was ever configured, under the server's lock. Thread: any. */
void intake_counters_each(struct intake_server *s, void *ctx,
						  void (*each)(void *ctx, const struct intake_source_counters *c));

struct intake_server_gauges {
	uint64_t connections;
	uint64_t waiting;      /* requests that wait for their commit */
	int64_t reading_bytes; /* bytes of the bodies that are still arriving */
};
struct intake_server_gauges intake_server_gauges(struct intake_server *s);

#endif
