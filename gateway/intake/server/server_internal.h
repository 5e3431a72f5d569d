/* The server's insides, shared by server.c, connection.c, request.c and counters.c. */
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

/* What a socket is doing; each phase but WAITING has its deadline. */
enum connection_phase {
	CONNECTION_OPEN,    /* connected, no request line yet */
	CONNECTION_READING, /* a request is coming in */
	CONNECTION_WAITING, /* suspended until the commit */
	CONNECTION_SENDING, /* an answer goes out */
	CONNECTION_IDLE     /* kept alive between requests */
};

struct connection {
	TAILQ_ENTRY(connection) link;
	int fd;
	struct peer_address peer;
	enum connection_phase phase;
	int64_t since_ms;
	bool timed_out; /* its socket was shut down by us */
	bool linger;    /* answered before the end of the request: it is read on after the answer */
};

struct lingering {
	TAILQ_ENTRY(lingering) link;
	int fd;
	int64_t until_ms;
};

struct counter {
	STAILQ_ENTRY(counter) link;
	char *source;
	atomic_uint_fast64_t counts[INTAKE_COUNTERS];
	struct kept_in_second {
		int64_t second; /* the last one in which refused requests were kept … */
		int64_t requests, bytes;
	} kept; /* under the server's lock */
};

struct server_request {
	TAILQ_ENTRY(server_request) waiting_link;
	struct intake_server *server;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct rules *rules;
	const struct source_rules *source;
	struct counter *counter;
	char *uri;                  /* as in the request line, query included */
	struct peer_address client; /* behind the proxy, if any */
	bool client_counted;
	struct buf body;
	int64_t reading_bytes; /* of it, counted in the server's */
	size_t excess_bytes;   /* bytes over the limit that were read and thrown away */
	bool started;
	bool answer_ready; /* `answer` stands without asking the log */
	/* Under the server's lock. */
	bool waiting;   /* in the list */
	bool suspended; /* counted in server->suspended */
	bool answered;
	int64_t due_ms;
	struct intake_answer answer;
	unsigned references; /* the connection's and the accept's */
};

struct intake_server {
	struct intake_server_options options;
	struct MHD_Daemon *daemon;
	int listen_fd;
	uint16_t port;
	atomic_bool closing;
	atomic_int_fast64_t reading_bytes; /* of all bodies under way */
	atomic_uint references;            /* the owner's and one per accept under way */
	pthread_t sweeper;
	bool has_sweeper;
	pthread_mutex_t lock;   /* everything below; never held while libmicrohttpd is called */
	pthread_cond_t changed; /* the first connection came, the sweeper shall end, or what waiters wait for */
	unsigned waiters;       /* for `suspended` or `busy` to become 0 */
	struct rules *rules;
	TAILQ_HEAD(connections, connection) connections;
	unsigned connection_count;
	TAILQ_HEAD(, lingering) lingering;
	unsigned linger_count;
	TAILQ_HEAD(requests, server_request) waiting; /* by due time, nearly */
	unsigned suspended;                           /* libmicrohttpd must not be stopped while there are any */
	unsigned busy; /* connections that wait for a commit or are being answered */
	struct peers *peers;
	STAILQ_HEAD(, counter) counters; /* the first is "" */
};

int64_t intake_server_now(const struct intake_server *s);
void intake_server_unref(struct intake_server *s);

/* ---- connection.c: callbacks of libmicrohttpd ---- */

enum MHD_Result connection_accept_policy(void *cls, const struct sockaddr *address, socklen_t len);
void connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
					   enum MHD_ConnectionNotificationCode code);
/* Locks; the second one is for who holds the lock. */
void connection_set_phase(struct intake_server *s, struct connection *c, enum connection_phase phase);
void connection_set_phase_locked(struct intake_server *s, struct connection *c, enum connection_phase phase,
								 int64_t now_ms);
/* Under the lock, after `suspended` or `busy` went down: tells whoever waits for that, and nobody else. */
void connection_notify_waiters(struct intake_server *s);
/* Answers 503 to all that wait for a commit since before their due time. */
void waiting_answer_late(struct intake_server *s, int64_t now_ms);

/* ---- linger.c: under the lock ---- */

/* Reads on from what `fd` is connected to, which the caller then closes. */
void linger_begin(struct intake_server *s, int fd);
void linger_sweep(struct intake_server *s, int64_t now_ms); /* INT64_MAX: ends all */

/* ---- request.c: likewise ---- */

void *request_open(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result request_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
							   const char *version, const char *data, size_t *data_len, void **slot);
void request_closed(void *cls, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode why);
/* Answers a waiting request and lets it go on; nothing when it is answered already. */
void waiting_answer(struct server_request *r, const struct intake_answer *answer);

/* ---- counters.c ---- */

struct counter *counter_of(struct intake_server *s, const char *source); /* made when new; under the lock */
void counter_add(struct counter *c, enum intake_counter what);
void counters_destroy(struct intake_server *s);

#endif
