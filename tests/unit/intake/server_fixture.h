/* A running intake server, a log that does as it is told, and a client that speaks raw HTTP. */
#ifndef ALMONER_TESTS_UNIT_INTAKE_SERVER_FIXTURE_H
#define ALMONER_TESTS_UNIT_INTAKE_SERVER_FIXTURE_H

#include "tests/unit/intake/intake_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/intake/server/server.h"

enum log_mode { LOG_COMMIT, LOG_HOLD, LOG_REFUSE };

#define HELD_MAX 512

/* Commits at once from a thread of its own, holds until told, or refuses. Knows duplicates by their dedup
 * key. */
struct scripted_log {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	enum log_mode mode;
	struct accept *held[HELD_MAX];
	size_t held_count;
	size_t committed;
	uint8_t keys[HELD_MAX][STORE_KEY_BYTES];
	pthread_t thread;
	bool ending;
};

struct server_fixture {
	struct scripted_log script;
	struct intake_server *intake;
	atomic_int_fast64_t now_ms; /* of the server's clock; the test moves it */
	atomic_bool not_ready;
	atomic_int_fast64_t quarantined;
	atomic_int refusals;
	char last_address[64];
};

/* `limits` is the inside of the object, may be ""; `more` stands behind it in the main object ("" or ", …").
 */
void server_fixture_open(struct server_fixture *d, const char *sources, const char *limits, const char *more,
						 bool own_sweep);
struct config *server_fixture_config(const char *sources, const char *limits, const char *more);
void server_fixture_close(struct server_fixture *d);
void server_fixture_sweep(struct server_fixture *d, int64_t later_ms); /* moves the clock, then sweeps */
uint64_t server_fixture_count(struct server_fixture *d, const char *source, enum intake_counter what);

void scripted_log_mode(struct scripted_log *s, enum log_mode mode);
void scripted_log_wait_held(struct scripted_log *s, size_t count);
/* Commits all that is held, now, in the caller's thread. */
void scripted_log_release(struct scripted_log *s);

/* ---- the client; everything waits at most a few seconds and then fails the test ---- */

struct reply {
	int status; /* 0: the connection was closed without one */
	char text[4096];
	char *body;
};

int client_connect(struct server_fixture *d);
void client_send(int fd, const char *text);
/* POST with Content-Length, keep-alive. */
void client_post(int fd, const char *path, const char *headers, const char *body);
/* The next whole reply on the connection. */
void client_read(int fd, struct reply *ret);
/* Reads it and compares; `body` NULL: any. */
void client_expect(int fd, int status, const char *body);
/* True when the server closed it, with nothing (more) said. */
bool client_closed(int fd);

#endif
