/* Shared by the files of the intake server. In reading order:
 *
 *     server.c           start, new configuration, stop
 *     state.c            the server's memory, its rules, waiting for a change
 *     listener.c         the listening socket
 *     connection.c       callbacks of libmicrohttpd for sockets
 *     request.c          callbacks of libmicrohttpd for requests (request_internal.h)
 *     waiting.c          requests that wait for their commit
 *     linger.c           sockets that are read after an early answer
 *     sweeper.c          the thread that keeps deadlines
 *     counters.c         figures
 *
 * "Under the lock" means the server's lock. It is never held while libmicrohttpd is called. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_SERVER_INTERNAL_H
#define ALMONER_GATEWAY_INTAKE_SERVER_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "gateway/intake/rules.h"
#include "gateway/intake/server/answer.h"
#include "gateway/intake/server/peers.h"
#include "gateway/intake/server/server.h"

/* What a connection is doing. Each phase but WAITING has the deadline limits.request_timeout. */
enum connection_phase {
	CONNECTION_OPEN,    /* connected, no request line yet */
	CONNECTION_READING, /* a request is arriving */
	CONNECTION_WAITING, /* the request is suspended until its event is committed */
	CONNECTION_SENDING, /* an answer is being sent */
	CONNECTION_IDLE     /* kept alive between two requests */
};

struct connection {
	TAILQ_ENTRY(connection) link; /* in server->connections */
	int fd;                       /* owned by libmicrohttpd */
	struct peer_address peer;
	enum connection_phase phase;
	int64_t since_ms; /* the time from which the deadline of the phase is measured */
	bool timed_out;   /* the server has shut the socket down */
	bool linger;      /* the answer was sent before the end of the request: see linger.c */
};

struct lingering {
	TAILQ_ENTRY(lingering) link;
	int fd; /* a duplicate of the connection's descriptor; owned */
	int64_t until_ms;
};

/* The figures of one source; the source "" stands for requests that reached no source. */
struct counter {
	STAILQ_ENTRY(counter) link;
	char *source; /* owned */
	atomic_uint_fast64_t counts[INTAKE_COUNTERS];
	struct kept_in_second {
		int64_t second;          /* the last second in which a rejected request was kept */
		int64_t requests, bytes; /* kept in that second */
	} kept;                      /* under the lock */
};

struct server_request;

struct intake_server {
	struct intake_server_options options;
	struct MHD_Daemon *daemon;
	int listen_fd; /* the listening socket, owned by libmicrohttpd once `daemon` is set; -1: none */
	uint16_t port;
	atomic_bool closing;
	atomic_int_fast64_t reading_bytes; /* bytes of all bodies that are arriving */
	/* references on the server: one of the owner, one of each accept that is not committed */
	atomic_uint references;
	pthread_t sweeper;
	bool has_sweeper;
	pthread_mutex_t lock; /* guards all members below */
	/* Signalled: the first connection came, the sweeper must end, `suspended` or `busy` went down. */
	pthread_cond_t changed;
	unsigned waiters; /* threads that wait until `suspended` or `busy` is 0 */
	struct rules *rules;
	TAILQ_HEAD(connections, connection) connections;
	unsigned connection_count;
	TAILQ_HEAD(, lingering) lingering;
	unsigned linger_count;
	TAILQ_HEAD(requests, server_request) waiting; /* almost in the order of due_ms */
	unsigned suspended; /* number of suspended requests; MHD_stop_daemon aborts while there is one */
	unsigned busy;      /* connections that wait for a commit or are being answered */
	struct peers *peers;
	STAILQ_HEAD(, counter) counters; /* the first one is "" */
};

/* ---- state.c ---- */

struct intake_server *intake_server_create(const struct intake_server_options *options);
void intake_server_unref(struct intake_server *s);
int64_t intake_server_now(const struct intake_server *s);
/* Replaces the rules for requests that begin from now on. Takes over the caller's reference on `rules`. */
void intake_server_install_rules(struct intake_server *s, struct rules *rules);
/* Waits at most `ms` milliseconds until `changed` is signalled. Under the lock. */
void intake_server_wait_changed(struct intake_server *s, int64_t ms);
/* Calls the hook for rejected requests, if there is one. `source`: "" for none. Not under the lock. */
void intake_server_report_rejected(struct intake_server *s, const char *source,
								   const struct peer_address *address, unsigned status, const char *why);

/* ---- listener.c ---- */

int listener_open(struct intake_server *s, const struct config_listen *listen, struct err *err) MUST_CHECK;

/* ---- connection.c ---- */

/* Callbacks of libmicrohttpd; `cls` is the server. */
enum MHD_Result connection_accept_policy(void *cls, const struct sockaddr *address, socklen_t len);
void connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
					   enum MHD_ConnectionNotificationCode code);
/* Changes what the connection is doing, and starts the deadline of the new phase. The first function takes
 * the lock; call the second one under the lock. */
void connection_set_phase(struct intake_server *s, struct connection *c, enum connection_phase phase);
void connection_set_phase_locked(struct intake_server *s, struct connection *c, enum connection_phase phase,
								 int64_t now_ms);
/* Wakes the threads that wait until `suspended` or `busy` is 0. Call it after one of them went down. Under
 * the lock. */
void connection_notify_waiters(struct intake_server *s);
/* Shuts down the sockets whose phase lasts too long. Under the lock. */
void connection_close_slow(struct intake_server *s, int64_t now_ms);

/* ---- linger.c: under the lock ---- */

/* Continues to read from the peer of `fd` on a duplicate; the caller may close `fd`. */
void linger_begin(struct intake_server *s, int fd);
void linger_sweep(struct intake_server *s, int64_t now_ms); /* INT64_MAX: ends all */

/* ---- waiting.c ---- */

/* Suspends the request until waiting_answer or its due time. */
void waiting_begin(struct server_request *r);
/* Answers and resumes a waiting request; does nothing when it is answered already. `r` may be gone when this
 * returns, unless the caller has a reference. */
void waiting_answer(struct server_request *r, const struct intake_answer *answer);
/* Answers 503 to all requests whose due time has passed. */
void waiting_answer_late(struct intake_server *s, int64_t now_ms);
/* Gives the answer of a request that was resumed; false if the request has no answer yet. */
bool waiting_take_answer(struct server_request *r, struct intake_answer *ret);
/* The connection ended: the request is no longer suspended. Under the lock. */
void waiting_end(struct server_request *r);

/* ---- sweeper.c ---- */

int sweeper_start(struct intake_server *s, struct err *err) MUST_CHECK;
void sweeper_stop(struct intake_server *s); /* does nothing when none runs */

/* ---- counters.c ---- */

/* Creates the counter of a new source. Under the lock. */
struct counter *counter_of(struct intake_server *s, const char *source);
void counter_add(struct counter *c, enum intake_counter what); /* Thread: any */
void counters_destroy(struct intake_server *s);

#endif
