/* A journal on a real store in a temporary folder, with a clock, chance and an engine that do as the test
 * says. After every pump the deep audit runs. */
#ifndef ALMONER_TESTS_UNIT_JOURNAL_JOURNAL_FIXTURE_H
#define ALMONER_TESTS_UNIT_JOURNAL_JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "saga/journal/engine_port.h"
#include "saga/journal/figures.h"
#include "saga/journal/intake_port.h"
#include "saga/journal/journal.h"
#include "saga/journal/operator_port.h"
#include "saga/store/store_sqlite.h"

#define FIXTURE_T0 INT64_C(1700000000000)

/* Their numbers are 1, 2, 3 … in this order. */
enum fixture_target { CRM = 1, BOOKS, THANKS, MAIL, FIXTURE_TARGETS_END };

struct journal_fixture {
	char dir[64];
	char path[96];
	const char *vfs;
	struct journal *j;
	int64_t now_ms;
	uint64_t chance;
	struct journal_target targets[FIXTURE_TARGETS_END - 1];
	int64_t recount_rows;
	int64_t reserve_bytes;
	int64_t free_bytes; /* as the store says, with `fake_disk` */
	bool fake_disk;
	int64_t damaged_saga; /* a bit of its value is read wrong; nothing is audited then; 0: none */
	void (*damage)(struct buf *counters); /* of the counters as read at start; NULL: none */
	int checkpoint_code;                  /* what a checkpoint says instead of running; 0: it runs */
	int64_t fake_pages;                   /* to be checkpointed, with checkpoint_code */
	size_t queue_records;
	size_t left_out;            /* so many of the last targets are not configured when it is opened */
	long commits_until_failure; /* 0: never */
	/* What the engine grants at best: SLOT where it may ride, else WINDOW. */
	enum admission admission[FIXTURE_TARGETS_END];
	unsigned asked, asked_to_start;
	bool capacity_limited; /* only `room` events would begin at once */
	size_t start_capacity;
	/* What the engine has given away and not got back. */
	int64_t slots[FIXTURE_TARGETS_END];
	int64_t window_bytes[FIXTURE_TARGETS_END];
	struct work_list works;
	struct target_news news[FIXTURE_TARGETS_END];
	unsigned news_count[FIXTURE_TARGETS_END];
	struct err failed;
	unsigned failures;
	/* The last answers. */
	struct accept_result accepted;
	unsigned answers;
	struct verb_result verb;
	unsigned verb_answers;
	struct plan *plan; /* used by fixture_accept */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
struct journal_fixture *fixture_of(void **state);

void fixture_open(struct journal_fixture *r);
int fixture_try_open(struct journal_fixture *r, struct err *err);
/* As fixture_crash, without opening again. */
void fixture_close(struct journal_fixture *r);
/* Destroyed in the middle of things, and opened again. */
void fixture_crash(struct journal_fixture *r);
void fixture_drop_works(struct journal_fixture *r);
/* Pumps until nothing is queued; audits. Gives how many operations were handled. */
int fixture_pump(struct journal_fixture *r);
void fixture_audit(struct journal_fixture *r);
void fixture_wait(struct journal_fixture *r, int64_t ms); /* moves the clock and pumps */

/* "crm books thanks<books": steps named as their targets, `<` after another, `?` with a `when`, `~` expires
 * after a minute, `!` without undo. */
struct plan *fixture_plan(const char *text, enum policy policy);
void fixture_use_plan(struct journal_fixture *r, const char *text, enum policy policy);

struct fixture_event {
	const char *id;
	const char *gift; /* NULL: none */
	const char *lane; /* NULL: none; the same for all steps */
	const char *body; /* NULL: as the id */
	bool related;
	bool quarantined;
	bool unrouted;
};
/* Queues without pumping. */
int fixture_submit(struct journal_fixture *r, const struct fixture_event *ev);
/* Queues and pumps; gives the saga. */
int64_t fixture_accept(struct journal_fixture *r, const struct fixture_event *ev);
int64_t fixture_accept_id(struct journal_fixture *r, const char *id);
struct saga_start fixture_start(const struct fixture_event *ev, struct plan *plan,
								uint8_t lanes[][LANE_BYTES]);
struct event *fixture_event(const struct journal_fixture *r, const struct fixture_event *ev);

/* Takes a work out of what was delivered; fails the test when there is none. */
struct work *fixture_take(struct journal_fixture *r, enum work_kind kind, int64_t saga,
						  enum fixture_target target);
bool fixture_has(const struct journal_fixture *r, enum work_kind kind, int64_t saga,
				 enum fixture_target target);
unsigned fixture_work_count(const struct journal_fixture *r);
/* Reports and pumps. */
void fixture_outcome(struct journal_fixture *r, struct work *w, enum outcome_class result);
void fixture_finish(struct journal_fixture *r, int64_t saga, enum fixture_target target,
					enum outcome_class result);
void fixture_claim(struct journal_fixture *r, enum fixture_target target, uint32_t max);
int fixture_verb(struct journal_fixture *r, int64_t saga, enum verb verb, int step);
void fixture_target_act(struct journal_fixture *r, const char *name, enum target_action action);

/* The saga as stored; the caller's to destroy. */
struct saga *fixture_saga(struct journal_fixture *r, int64_t id);
void fixture_assert_step(struct journal_fixture *r, int64_t saga, const char *step, enum step_state state,
						 enum reason reason);
void fixture_assert_saga(struct journal_fixture *r, int64_t saga, enum saga_state state);
/* How many records of this kind the saga (or, 0, everything) has. */
unsigned fixture_records(struct journal_fixture *r, int64_t saga, enum record_kind kind);
void fixture_verify(struct journal_fixture *r); /* the store's own check finds nothing */
struct journal_counts fixture_counts(struct journal_fixture *r);

#endif
