/* A journal on a real store in a temporary folder, with a clock, chance and an engine that do as the test
 * says. After every pump the deep audit runs. */
#ifndef ALMONER_TESTS_UNIT_JOURNAL_RIG_H
#define ALMONER_TESTS_UNIT_JOURNAL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "saga/journal/journal.h"
#include "saga/store/store_sqlite.h"

#define RIG_T0 INT64_C(1700000000000)

/* Their numbers are 1, 2, 3 … in this order. */
enum rig_target { CRM = 1, BOOKS, THANKS, MAIL, RIG_TARGETS_END };

struct rig {
	char dir[64];
	char path[96];
	const char *vfs;
	struct journal *j;
	int64_t now_ms;
	uint64_t chance;
	struct journal_target targets[RIG_TARGETS_END - 1];
	int64_t recount_rows;
	int64_t reserve_bytes;
	int64_t free_bytes; /* as the store says, with `fake_disk` */
	bool fake_disk;
	int64_t damaged_saga; /* a bit of its value is read wrong; nothing is audited then; 0: none */
	void (*damage)(struct buf *counters); /* of the counters as read at start; NULL: none */
	int checkpoint_code;                  /* what a checkpoint says instead of running; 0: it runs */
	int64_t fake_pages;                   /* to be checkpointed, with checkpoint_code */
	size_t queue_records;
	size_t left_out; /* so many of the last targets are not configured when it is opened */
	long commits_until_failure; /* 0: never */
	/* What the engine grants at best: SLOT where it may ride, else WINDOW. */
	enum admit admit[RIG_TARGETS_END];
	unsigned asked, asked_to_ride;
	bool crowded; /* only `room` events would begin at once */
	size_t room;
	/* What the engine has given away and not got back. */
	int64_t slots[RIG_TARGETS_END];
	int64_t window_bytes[RIG_TARGETS_END];
	struct work_list works;
	struct target_news news[RIG_TARGETS_END];
	unsigned news_count[RIG_TARGETS_END];
	struct err failed;
	unsigned failures;
	/* The last answers. */
	struct accept_result accepted;
	unsigned answers;
	struct verb_result verb;
	unsigned verb_answers;
	struct plan *plan; /* used by rig_accept */
};

int rig_setup(void **state);
int rig_teardown(void **state);
struct rig *rig_of(void **state);

void rig_open(struct rig *r);
int rig_try_open(struct rig *r, struct err *err);
/* As rig_crash, without opening again. */
void rig_close(struct rig *r);
/* Destroyed in the middle of things, and opened again. */
void rig_crash(struct rig *r);
void rig_drop_works(struct rig *r);
/* Pumps until nothing is queued; audits. Gives how many operations were handled. */
int rig_pump(struct rig *r);
void rig_audit(struct rig *r);
void rig_wait(struct rig *r, int64_t ms); /* moves the clock and pumps */

/* "crm books thanks<books": steps named as their targets, `<` after another, `?` with a `when`, `~` expires
 * after a minute, `!` without undo. */
struct plan *rig_plan(const char *text, enum policy policy);
void rig_use_plan(struct rig *r, const char *text, enum policy policy);

struct rig_event {
	const char *id;
	const char *gift; /* NULL: none */
	const char *lane; /* NULL: none; the same for all steps */
	const char *body; /* NULL: as the id */
	bool related;
	bool quarantined;
	bool unrouted;
};
/* Queues without pumping. */
int rig_submit(struct rig *r, const struct rig_event *ev);
/* Queues and pumps; gives the saga. */
int64_t rig_accept(struct rig *r, const struct rig_event *ev);
int64_t rig_accept_id(struct rig *r, const char *id);
struct saga_start rig_start(const struct rig_event *ev, struct plan *plan, uint8_t lanes[][LANE_BYTES]);
struct event *rig_event(const struct rig *r, const struct rig_event *ev);

/* Takes a work out of what was delivered; fails the test when there is none. */
struct work *rig_take(struct rig *r, enum work_kind kind, int64_t saga, enum rig_target target);
bool rig_has(const struct rig *r, enum work_kind kind, int64_t saga, enum rig_target target);
unsigned rig_work_count(const struct rig *r);
/* Reports and pumps. */
void rig_outcome(struct rig *r, struct work *w, enum outcome_class result);
void rig_finish(struct rig *r, int64_t saga, enum rig_target target, enum outcome_class result);
void rig_claim(struct rig *r, enum rig_target target, uint32_t max);
int rig_verb(struct rig *r, int64_t saga, enum verb verb, int step);
void rig_target_act(struct rig *r, const char *name, enum target_action action);

/* The saga as stored; the caller's to destroy. */
struct saga *rig_saga(struct rig *r, int64_t id);
void rig_assert_step(struct rig *r, int64_t saga, const char *step, enum step_state state,
					 enum reason reason);
void rig_assert_saga(struct rig *r, int64_t saga, enum saga_state state);
/* How many records of this kind the saga (or, 0, everything) has. */
unsigned rig_records(struct rig *r, int64_t saga, enum record_kind kind);
void rig_verify(struct rig *r); /* the store's own check finds nothing */
struct journal_counts rig_counts(struct rig *r);

#endif
