/* The door: POST /in/{source}, /healthz, /readyz on libmicrohttpd's epoll threads. A connection is suspended
 * until its event is committed and only then answered.
 *
 * To stop: intake_server_quiesce → journal_stop (its callbacks answer what is waiting) → intake_server_wait_idle →
 * intake_server_stop. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_SERVER_H
#define ALMONER_GATEWAY_INTAKE_SERVER_SERVER_H

#include "config/config.h"
#include "saga/base/clock.h"
#include "saga/journal/journal.h"

/* Where events go: the journal, or a stand-in. */
struct intake_log {
	void *ctx;
	/* As journal_accept: 0 takes `a` (and will call a->done once, from any thread), else `a` stays the
	 * caller's. */
	int (*accept)(void *ctx, struct accept *a);
	/* As journal_keep_rejected; NULL: none are kept. */
	int (*keep_rejected)(void *ctx, const struct rejected_row *row, int64_t keep_bytes);
};
struct intake_log intake_server_log(struct journal *j);

struct intake_server_hooks {
	void *ctx;
	/* May events be taken now? Else `why` says what is wrong ("disk low"), for /readyz. NULL: always. */
	bool (*ready)(void *ctx, const char **why);
	/* How many quarantined events of this source are open; NULL: the cap is not applied. */
	int64_t (*quarantined)(void *ctx, const char *source);
	/* A refusal that somebody should hear of (401, caps); never with a donor's data. NULL: nobody. */
	void (*rejected)(void *ctx, const char *source, const char *address, int status, const char *why);
};

struct intake_server_options {
	struct intake_log log;
	struct intake_server_hooks hooks;
	struct clock clock;
	bool own_sweep; /* a thread calls intake_server_sweep; false: the caller does */
};

struct intake_server;
struct rules;

/* Listens as config->listen says; ERR_SYSTEM with the address when that fails. */
int intake_server_start(struct config *config, const struct intake_server_options *options,
						struct intake_server **ret, struct err *err) MUST_CHECK;
uint16_t intake_server_port(const struct intake_server *s); /* the port it got, for port 0 */
/* New rules for requests that begin from now on. ERR_INVALID: they stay as they were. Thread: any. */
int intake_server_set_config(struct intake_server *s, struct config *config, struct err *err) MUST_CHECK;
/* Those of today, as a new reference: for judging again what was kept. Thread: any. */
struct rules *intake_server_rules(struct intake_server *s);

/* Ends what is too slow: requests older than request_timeout lose their socket, commits later than
 * commit_wait are answered 503 (the record stays, the sender's retry is a duplicate). Thread: any. */
void intake_server_sweep(struct intake_server *s, int64_t now_ms);

/* No new connections; new requests on open ones are answered 503. */
void intake_server_quiesce(struct intake_server *s);
/* Waits until no request waits for its commit; after `timeout_ms` those left are answered 503. False: some
 * were. */
bool intake_server_wait_idle(struct intake_server *s, int64_t timeout_ms);
/* Ends the threads and frees. Commits that come even later are harmless. NULL is accepted. */
void intake_server_stop(struct intake_server *s);

/* ---- figures ---- */

#define INTAKE_COUNTER_TABLE(X)                                                                              \
	X(INTAKE_ACCEPTED, "accepted") /* a new saga, whatever became of it */                                   \
	X(INTAKE_RELATED, "related")                                                                             \
	X(INTAKE_DUPLICATE, "duplicate")                                                                         \
	X(INTAKE_UNROUTED, "unrouted")       /* of the accepted */                                               \
	X(INTAKE_QUARANTINED, "quarantined") /* of the accepted */                                               \
	X(INTAKE_UNVERIFIED, "unverified")   /* 401 */                                                           \
	X(INTAKE_REJECTED_KEPT, "kept")      /* of those, kept to be judged again */                             \
	X(INTAKE_TOO_LARGE, "too_large")     /* 413 */                                                           \
	X(INTAKE_BUSY, "busy")               /* 503: queue or disk full, source paused, cap, stopping */         \
	X(INTAKE_LATE, "late")               /* 503: no commit in time */                                        \
	X(INTAKE_SLOW, "slow")               /* request not complete in time */                                  \
	X(INTAKE_GONE, "gone")               /* the sender went away before its answer */
#define INTAKE_COUNTER_ENUM(name, text) name,
enum intake_counter { INTAKE_COUNTER_TABLE(INTAKE_COUNTER_ENUM) INTAKE_COUNTERS };
#undef INTAKE_COUNTER_ENUM
const char *intake_counter_name(enum intake_counter c);

struct intake_source_counters {
	const char *source; /* lives as long as the server; "" counts what reached no source */
	uint64_t counts[INTAKE_COUNTERS];
};
/* Calls `each` once per source ever configured. Thread: any. */
void intake_counters_each(struct intake_server *s, void *ctx,
						  void (*each)(void *ctx, const struct intake_source_counters *c));

struct intake_server_gauges {
	uint64_t connections;
	uint64_t waiting;      /* for their commit */
	int64_t reading_bytes; /* of bodies that are not complete */
};
struct intake_server_gauges intake_server_gauges(struct intake_server *s);

#endif
