/* A small substitute for the journal: it assigns numbers and computes the chain, and writes consistent
 * sagas. */
#ifndef ALMONER_TESTS_UNIT_STORE_STORE_FIXTURE_H
#define ALMONER_TESTS_UNIT_STORE_STORE_FIXTURE_H

#include "tests/unit/store/contract.h"

#define T0 INT64_C(1700000000000)

struct fixture_writer {
	struct store_writer w;
	int64_t saga; /* id of the last saga */
	int64_t number;
	struct chain_row chain;
	struct store_chain *open;
	struct buf marks; /* has what chain.marks points to */
};

/* The open store of one test. */
struct store_fixture {
	const struct store_factory *factory;
	struct fixture_writer l;
	struct err err;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Closes the store and opens it again; numbers continue from those in the store. */
void fixture_reopen(struct store_fixture *f);
void fixture_close(struct store_fixture *f);
struct store_reader fixture_reader(struct store_fixture *f);

/* Fails the test unless rc is 0, and prints the error text. */
#define must(rc, err) must_at((rc), (err), __FILE__, __LINE__)
void must_at(int rc, const struct err *err, const char *file, int line);

/* A plan whose steps are named after their targets. */
struct plan *plan_of(const char *const *targets, unsigned count);

struct sample_saga {
	struct plan *plan; /* NULL: no steps */
	const char *source, *event_id, *donor, *gift;
	int64_t created_ms; /* 0: T0 */
	enum reason own_reason;
	bool unrouted;
	bool cancelled;
	bool paused;
	bool left_out; /* of the index, as a live saga between the low-water mark and the reach */
	struct step steps[PLAN_STEPS_MAX]; /* state, why, reason …; a zeroed one succeeded */
};

/* Consistent steps for the usual cases. */
struct step step_done(void);
struct step step_running(void);
struct step step_on_disk(enum why why, int64_t due_ms);
struct step step_attention(enum reason reason, enum outcome_class last);

struct saga *sample_saga(const struct sample_saga *s);
struct event *sample_event(const struct sample_saga *s);

void fixture_begin(struct fixture_writer *l);
/* One log row; `personal` may be empty. */
void fixture_log(struct fixture_writer *l, enum subject subject, int64_t id, const struct record *record);
void fixture_commit(struct fixture_writer *l);
/* One log row about a saga, whose value then names the row. */
void fixture_record(struct fixture_writer *l, int64_t saga, const struct record *record);
/* Writes event, key, saga and log row within the open transaction; returns the id of the saga. */
int64_t fixture_add(struct fixture_writer *l, const struct sample_saga *s);
/* The next commit stores these marks: low-water mark and reach. */
void fixture_mark(struct fixture_writer *l, int64_t low, int64_t reach);
/* fixture_add in a transaction of its own. */
int64_t fixture_put(struct fixture_writer *l, const struct sample_saga *s);
/* Updates the saga with this id from `s`. */
void fixture_update(struct fixture_writer *l, int64_t id, const struct sample_saga *s);
/* Writes `count` unrouted sagas in one transaction. */
void fixture_put_many(struct fixture_writer *l, int count);

#endif
