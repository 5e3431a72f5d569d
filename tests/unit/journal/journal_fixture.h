/* A journal on a real store: SQLite in a temporary folder, or the memory store when the environment has
 * ALMONER_TEST_STORE=memory. The test sets its clock, its random numbers, and what the engine grants. The deep
 * audit runs after every pump. */
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
#include "tests/support/memory_store/memory_store.h"

#define FIXTURE_T0 INT64_C(1700000000000)

/* The values are the ids that the journal gives to the targets. */
enum fixture_target { CRM = 1, BOOKS, THANKS, MAIL, FIXTURE_TARGETS_END };

struct journal_fixture {
	char dir[64];
	char path[96];
	const char *vfs;
	struct memory_store *memory; /* NULL: the store is SQLite */
	struct memory_store_options memory_options;
	struct journal *j;
	int64_t now_ms;
	uint64_t chance;
	struct journal_target targets[FIXTURE_TARGETS_END - 1];
	int64_t recount_rows;
	int64_t reserve_bytes;
	int64_t free_bytes; /* with `fake_disk`: what the store reports as free space */
	bool fake_disk;
	int64_t
		damaged_event; /* the store cannot decode the event of this saga, or this related event if negative */
	int64_t damaged_saga; /* the store returns this saga with one wrong bit, and no audit runs; 0: none */
	void (*damage)(struct tally *counters); /* changes the counters that the start reads; NULL: none */
	void (*damage_marks)(struct tally *marks);
	int64_t low_mark_span; /* 0: the default */
	int truncate_code;     /* a truncation of the write-ahead log fails with this code; 0: it runs */
	int checkpoint_code;   /* a checkpoint fails with this code; 0: it runs */
	int64_t fake_pages;    /* reported length of the write-ahead log; 0: the real one */
	size_t queue_records;
	size_t left_out;            /* this many of the last targets are not configured at the open */
	long commits_until_failure; /* the commit that fails, counted from now; 0: none */
	int failure_code;           /* of that commit; 0: ERR_IO */
	long commits;               /* that succeeded */
	/* The call of the store that fails, counted from now; 0: none. Calls of head, commit and checkpoint, and of
	 * what runs outside a transaction, do not count. */
	long store_calls_until_failure;
	void (*wrap)(struct store_writer *store); /* changes functions of the store at each open; NULL: none */
	const char *watched_call;                 /* a function of the store, such as "row_put"; NULL: none */
	long watched_calls;
	/* What the engine grants at most; a slot becomes window memory when the step may not start in the
	 * commit. */
	enum admission admission[FIXTURE_TARGETS_END];
	unsigned asked, asked_to_start;
	bool capacity_limited; /* hooks.start_capacity answers start_capacity; else no limit */
	size_t start_capacity;
	/* Slots and window memory that the engine has reserved. */
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
	struct plan *plan; /* of the events that fixture_accept makes */
};

int fixture_setup(void **state);
int fixture_setup_memory(void **state); /* on the memory store, whatever the environment says */
int fixture_teardown(void **state);
struct journal_fixture *fixture_of(void **state);

void fixture_open(struct journal_fixture *r);
/* The bare store, while the journal is closed; the caller closes it. */
void fixture_open_store(struct journal_fixture *r, struct store_writer *ret);
/* The caller closes the reader. */
struct store_reader fixture_reader(struct journal_fixture *r);
/* Makes the nth call of the store fail, see store_calls_until_failure. */
void fixture_wrap_store(struct journal_fixture *r, struct store_writer *store);
/* Replaces what reads by functions that damage what the fixture names. */
void fixture_damage_store(struct journal_fixture *r, struct store_writer *store);
int fixture_try_open(struct journal_fixture *r, struct err *err);
/* Destroys the journal without stopping it. */
void fixture_close(struct journal_fixture *r);
void fixture_remove_store(struct journal_fixture *r); /* while it is closed */
/* Destroys the journal without stopping it, and opens the store again. */
void fixture_crash(struct journal_fixture *r);
void fixture_drop_works(struct journal_fixture *r);
/* Pumps until no operation is queued, and audits. Returns how many operations were handled. */
int fixture_pump(struct journal_fixture *r);
void fixture_audit(struct journal_fixture *r);
void fixture_wait(struct journal_fixture *r, int64_t ms); /* moves the clock and pumps */

/* Makes a plan from text such as "crm books thanks<books". Each word is a step, named as its target; `<`
 * names the step it comes after, `?` gives it a `when`, `~` lets it expire after a minute, `!` marks it as
 * having no undo. */
struct plan *fixture_plan(const char *text, enum policy policy);
void fixture_use_plan(struct journal_fixture *r, const char *text, enum policy policy);

struct fixture_event {
	const char *id;
	const char *gift; /* NULL: none */
	const char *lane; /* ordering key of all steps; NULL: none */
	const char *body; /* NULL: the id */
	bool related;
	bool quarantined;
	bool unrouted;
};
/* Queues the event without pumping. */
int fixture_submit(struct journal_fixture *r, const struct fixture_event *ev);
/* Queues the event and pumps; returns the saga. */
int64_t fixture_accept(struct journal_fixture *r, const struct fixture_event *ev);
int64_t fixture_accept_id(struct journal_fixture *r, const char *id);
struct saga_start fixture_start(const struct fixture_event *ev, struct plan *plan,
								uint8_t lanes[][LANE_BYTES]);
struct event *fixture_event(const struct journal_fixture *r, const struct fixture_event *ev);

/* Takes a work out of those handed out; fails the test when there is none. */
struct work *fixture_take(struct journal_fixture *r, enum work_kind kind, int64_t saga,
						  enum fixture_target target);
bool fixture_has(const struct journal_fixture *r, enum work_kind kind, int64_t saga,
				 enum fixture_target target);
unsigned fixture_work_count(const struct journal_fixture *r);
/* Reports an outcome and pumps. */
void fixture_outcome(struct journal_fixture *r, struct work *w, enum outcome_class result);
void fixture_finish(struct journal_fixture *r, int64_t saga, enum fixture_target target,
					enum outcome_class result);
void fixture_claim(struct journal_fixture *r, enum fixture_target target, uint32_t max);
/* Counts every WORK_START that was handed out as a request that was sent. */
struct fixture_sends {
	unsigned first[FIXTURE_TARGETS_END]; /* for each target, in generation 1 */
};
/* One action of an engine that succeeds with everything; false: it has nothing to do now. */
bool fixture_engine_turn(struct journal_fixture *r, struct fixture_sends *sends);

int fixture_verb(struct journal_fixture *r, int64_t saga, enum verb verb, int step);
void fixture_target_act(struct journal_fixture *r, const char *name, enum target_action action);

/* How many sagas are stored with this index, in this state (-1: any). */
int64_t fixture_count_sagas(struct journal_fixture *r, enum saga_index index, int state);
/* The saga as stored; the caller destroys it. */
struct saga *fixture_saga(struct journal_fixture *r, int64_t id);
void fixture_assert_step(struct journal_fixture *r, int64_t saga, const char *step, enum step_state state,
						 enum reason reason);
void fixture_assert_saga(struct journal_fixture *r, int64_t saga, enum saga_state state);
/* How many records of this kind the log has about the saga, or, with 0, about everything. */
unsigned fixture_records(struct journal_fixture *r, int64_t saga, enum record_kind kind);
void fixture_verify(struct journal_fixture *r); /* runs the store's verify, which must find no fault */
struct journal_counts fixture_counts(struct journal_fixture *r);

#endif
