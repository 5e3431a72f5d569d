/* Targets as the journal knows them: numbers that never change, the rules of the configuration in force,
 * pauses and holds, and counts of the rows that wait on disk. An entry lives as long as the journal. Thread:
 * the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_TARGETS_H
#define ALMONER_SAGA_JOURNAL_STATE_TARGETS_H

#include "saga/base/hash.h"
#include "saga/journal/journal.h"
#include "saga/journal/operator_port.h"

struct target_entry {
	struct hash_link link; /* by name */
	uint32_t id;
	char name[128];
	struct step_rules rules;
	struct target_row row; /* as stored */

	/* The counts of the target's rows on disk, kept by location.c. */
	int64_t claimable;
	int64_t blocked; /* rows that wait for their lane or other steps; COUNT_UNKNOWN: stored by version 1 */
	int64_t with_lane;
	int64_t next_due_ms; /* the due time of the first claimable row; INT64_MAX: the target has none */
	bool due_unknown;    /* next_due_ms may be too early: ask the store (target_next_due) */
	bool clamp_pending;  /* some rows may be due further ahead than the rules allow (clamp.c) */

	/* The target's rows in lanes may have been placed by other rules: idle.c examines them again, in slices
	 * that continue behind recheck_lanes_after. */
	bool recheck_lanes;
	bool was_missing; /* scratch of targets_set_rules */
	struct step_row recheck_lanes_after;

	/* Figures for `status`, kept by counters.c. */
	int64_t open;
	int64_t attention;
	int64_t succeeded;

	/* What the current batch has to report to the engine. */
	bool news;
	bool state_changed;
	bool claim_done;
	uint32_t granted;
};

#define COUNT_UNKNOWN (-1)

struct target_table {
	struct target_entry **entries; /* by id - 1 */
	size_t count;
	struct hash_table by_name;
};

/* At start: all targets of the store, with rules that say "missing" until targets_set_rules. ERR_CORRUPT: a
 * number is not there. */
int targets_load(struct journal *j) MUST_CHECK;
void targets_free(struct journal *j);

/* NULL: there is no such target. */
struct target_entry *target_of_id(struct journal *j, uint32_t id);
struct target_entry *target_of_name(struct journal *j, const char *name);
/* Finds the target, or makes and stores it, with rules that say "missing". In a transaction. */
int target_ensure(struct journal *j, const char *name, struct target_entry **ret) MUST_CHECK;
/* The rules of a new configuration; fills in the ids of `targets`. Targets that are not named become missing.
 * In a transaction. */
int targets_set_rules(struct journal *j, struct journal_target *targets, size_t count) MUST_CHECK;
/* The rules by target name, for decisions. Valid as long as the journal. */
struct rules_port targets_rules_port(struct journal *j);

/* By which rules the target's rows were placed in lanes, as one byte that the counters store; 0: unknown. */
uint8_t target_lane_rules(const struct target_entry *t);
/* At start: takes that byte from the counters. When it is unknown or of another version, the rows in lanes
 * are examined again. */
void target_set_lane_rules(struct target_entry *t, uint8_t lane_rules);

/* May attempts start at this target now? `probe`: an attempt that finds out whether a hold can end. */
bool target_is_open(const struct journal *j, const struct target_entry *t, bool probe);
/* The due time of the target's first claimable row; INT64_MAX: none. */
int target_next_due(struct journal *j, struct target_entry *t, int64_t *ret_ms) MUST_CHECK;
/* Is a row on disk due? Then that row starts before new events do. */
int target_has_backlog(struct journal *j, struct target_entry *t, bool *ret) MUST_CHECK;
/* The longest wait that the target's rules can produce. */
int64_t target_longest_wait_ms(const struct target_entry *t);
/* Moves the step's due time near when it is further ahead than the rules allow, because the clock was set
 * back while no process ran, or the rules changed. Returns whether it moved. */
bool target_limit_due(const struct journal *j, const struct target_entry *t, struct step *st);

/* Pauses, resumes, holds or releases a target, and records it, unless its state is this one already. `actor`
 * and `note` may be NULL. In a transaction. */
int target_apply_action(struct journal *j, struct target_entry *t, enum target_action action,
						const char *actor, const char *note) MUST_CHECK;

#endif
