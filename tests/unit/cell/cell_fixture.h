/* A cell on a real SQLite store, with one target `books` whose connector sends one request for each step. Driven: the
 * test is the network and calls each turn. Threaded: real sockets, threads and time; the requests go to a sink. */
#ifndef ALMONER_TESTS_UNIT_CELL_CELL_FIXTURE_H
#define ALMONER_TESTS_UNIT_CELL_CELL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/cell/cell.h"
#include "gateway/cell/cell_ports.h"
#include "gateway/cell/command.h"

#define FIXTURE_T0       INT64_C(1700000000000)
#define FIXTURE_REQUESTS 16

struct cell_fixture {
	char dir[64], path[96], inflight_path[112];
	bool driven;
	char url[128]; /* where the connector sends to */
	struct plan *plan;
	struct cell *cell;
	struct cell_blame *blames; /* for the next cell */
	size_t blame_count;

	/* What a driven cell sees and does. */
	int64_t now_ms;
	struct transport_request requests[FIXTURE_REQUESTS]; /* in the order of their submission */
	bool under_way[FIXTURE_REQUESTS];
	unsigned submitted, cancelled;

	/* What the cell has reported. */
	unsigned wakes, overs;
	atomic_uint failures;
	atomic_int failure; /* the code of the last one */
	atomic_uint ports_open;
};

struct cell_fixture *fixture_open(bool driven);
/* Ends the cell as a crash would unless it has ended, and removes the store. */
void fixture_close(struct cell_fixture *f);

/* Opens the store and makes the cell; returns what cell_make returned. */
int fixture_try_make(struct cell_fixture *f, struct err *err);
/* The same, and it must work; then the cell serves. */
void fixture_serve(struct cell_fixture *f);
/* The store's next start fails with this code. */
void fixture_fail_head(int code);
/* The commit after the next `after` commits fails with this code; 0: none does. Thread: any. */
void fixture_fail_commit(unsigned after, int code);

/* An event as intake would give it. `done` gets `ctx`, and frees the event with fixture_event_free. */
struct accept *fixture_event(struct cell_fixture *f, const char *id, void *ctx,
							 void (*done)(void *ctx, struct accept *a, const struct accept_result *result));
void fixture_event_free(struct accept *a);

/* For a driven cell: accepts an event; the answer's code is written to *code when it comes. */
void fixture_accept(struct cell_fixture *f, const char *id, int *code);
/* 20 turns of engine and journal, a millisecond each: more than any step of a test needs. */
void fixture_run(struct cell_fixture *f);
/* The target answers the request with this number. */
void fixture_reply(struct cell_fixture *f, unsigned number, uint32_t status);
enum step_state fixture_step(struct cell_fixture *f, int64_t saga);

#endif
