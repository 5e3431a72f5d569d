/* A running intake server, a scripted journal, and a client that speaks raw HTTP. */
#ifndef ALMONER_TESTS_UNIT_INTAKE_SERVER_FIXTURE_H
#define ALMONER_TESTS_UNIT_INTAKE_SERVER_FIXTURE_H

#include "tests/unit/intake/intake_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/intake/server/server.h"

enum journal_mode { JOURNAL_COMMIT, JOURNAL_HOLD, JOURNAL_REJECT };

#define HELD_MAX 512

/* A stand-in for the journal. By its mode it commits at once on a thread of its own, holds accepts until
 * released, or rejects them. Recognises duplicates by their deduplication key. */
struct scripted_journal {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	enum journal_mode mode;
	struct accept *held[HELD_MAX];
	size_t held_count;
	size_t committed;
	uint8_t keys[HELD_MAX][STORE_KEY_BYTES];
	pthread_t thread;
	bool ending;
};

struct server_fixture {
	struct scripted_journal script;
	struct intake_server *intake;
	atomic_int_fast64_t now_ms; /* of the server's clock; the test moves it */
	atomic_bool not_ready;
	atomic_int_fast64_t quarantined;
	atomic_int refusals;
	char last_address[64];
};

/* `limits`: the text inside the braces of that object, may be "". `more`: text that follows it in the
 * configuration, "" or ", …". */
void server_fixture_open(struct server_fixture *d, const char *sources, const char *limits, const char *more,
						 bool own_sweep);
struct config *server_fixture_config(const char *sources, const char *limits, const char *more);
void server_fixture_close(struct server_fixture *d);
void server_fixture_sweep(struct server_fixture *d,
						  int64_t later_ms); /* moves the server's clock, then sweeps */
uint64_t server_fixture_count(struct server_fixture *d, const char *source, enum intake_counter what);

void scripted_journal_mode(struct scripted_journal *s, enum journal_mode mode);
void scripted_journal_wait_held(struct scripted_journal *s, size_t count);
/* Commits all accepts that are held, on the caller's thread. */
void scripted_journal_release(struct scripted_journal *s);

/* ---- the client; each function waits at most 20 seconds and then fails the test ---- */

struct reply {
	int status; /* 0: the connection was closed without a reply */
	char text[4096];
	char *body;
};

int client_connect(struct server_fixture *d);
void client_send(int fd, const char *text);
/* POST with Content-Length, keep-alive. */
void client_post(int fd, const char *path, const char *headers, const char *body);
/* Reads the next whole reply. */
void client_read(int fd, struct reply *ret);
/* Reads the next whole reply and compares it; `body` NULL: any body. */
void client_expect(int fd, int status, const char *body);
/* True if the server closes the connection without sending more. */
bool client_closed(int fd);

#endif
