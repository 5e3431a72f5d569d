/* A running intake server, a log that does as it is told, and a client that speaks raw HTTP. */
#ifndef ALMONER_UNIT_INTAKE_DOOR_FIXTURE_H
#define ALMONER_UNIT_INTAKE_DOOR_FIXTURE_H

#include "tests/unit/intake/intake_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/intake/server.h"

enum log_mode { LOG_COMMIT, LOG_HOLD, LOG_REFUSE };

#define HELD_MAX 512

/* Commits at once from a thread of its own, holds until told, or refuses. Knows duplicates by their dedup
 * key. */
struct script {
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

struct door {
	struct script script;
	struct intake *intake;
	atomic_int_fast64_t now_ms; /* of the server's clock; the test moves it */
	atomic_bool not_ready;
	atomic_int_fast64_t quarantined;
	atomic_int refusals;
	char last_address[64];
};

/* `limits` is the inside of the object, may be ""; `more` stands behind it in the main object ("" or ", …").
 */
void door_open(struct door *d, const char *sources, const char *limits, const char *more, bool own_sweep);
struct config *door_config(const char *sources, const char *limits, const char *more);
void door_close(struct door *d);
void door_sweep(struct door *d, int64_t later_ms); /* moves the clock, then sweeps */
uint64_t door_count(struct door *d, const char *source, enum intake_count what);

void script_mode(struct script *s, enum log_mode mode);
void script_wait_held(struct script *s, size_t count);
/* Commits all that is held, now, in the caller's thread. */
void script_release(struct script *s);

/* ---- the client; everything waits at most a few seconds and then fails the test ---- */

struct reply {
	int status; /* 0: the connection was closed without one */
	char text[4096];
	char *body;
};

int client_connect(struct door *d);
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
