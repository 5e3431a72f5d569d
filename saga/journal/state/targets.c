#include "saga/journal/state/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/fnv.h"
#include "saga/journal/journal_internal.h"

/* The rules of a target that the configuration does not name: nothing is known about repeats, so the most
 * careful class applies. */
static const struct step_rules rules_missing = {
	.repeat = REPEAT_UNSAFE,
	.retry = { .first_ms = 1000, .factor = 2, .cap_ms = 3600000 },
	.missing = true,
};

/* ---- finding and adding ---- */

static uint64_t hash_of(const char *name)
{
	return fnv64(FNV64_BASIS, name, strlen(name));
}

struct target_entry *target_of_name(struct journal *j, const char *name)
{
	assert(name != NULL);
	struct hash_link *link = hash_first(&j->targets.by_name, hash_of(name));
	for (; link != NULL; link = hash_next(link)) {
		struct target_entry *t = HASH_ENTRY(link, struct target_entry, link);
		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

struct target_entry *target_of_id(struct journal *j, uint32_t id)
{
	return id >= 1 && id <= j->targets.count ? j->targets.entries[id - 1] : NULL;
}

static struct target_entry *add(struct journal *j, const struct target_row *row)
{
	struct target_table *targets = &j->targets;
	struct target_entry *t = mem_zalloc(sizeof *t);
	t->id = row->id;
	t->row = *row;
	snprintf(t->name, sizeof t->name, "%s", row->name);
	t->rules = rules_missing;
	t->due_unknown = true;
	t->next_due_ms = INT64_MAX;
	ARRAY_GROW_BY_COUNT(targets->entries, targets->count);
	targets->entries[targets->count++] = t;
	assert(t->id == targets->count);
	hash_insert(&targets->by_name, &t->link, hash_of(t->name));
	return t;
}

int target_ensure(struct journal *j, const char *name, struct target_entry **ret)
{
	assert(j->batch.open);
	*ret = target_of_name(j, name);
	if (*ret != NULL)
		return 0;
	struct target_row row = { .id = (uint32_t)j->targets.count + 1, .changed_ms = j->now_ms };
	if (strlen(name) >= sizeof row.name)
		return err_set(&j->err, ERR_TOO_BIG, "target name %.40s…: at most %zu bytes", name,
					   sizeof row.name - 1);
	snprintf(row.name, sizeof row.name, "%s", name);
	int rc = j->store.target_put(j->store.ctx, &row, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	*ret = add(j, &row);
	(*ret)->due_unknown = false; /* a new target has no rows, so its due time is known */
	return 0;
}

/* The store gives the rows in no particular order; entries must be by id. */
int targets_load(struct journal *j)
{
	struct target_row *rows = NULL;
	size_t count = 0;
	assert(j->targets.count == 0);
	int rc = j->store.target_all(j->store.ctx, &rows, &count, &j->err);
	for (uint32_t id = 1; rc == 0 && id <= count; id++) {
		const struct target_row *found = NULL;
		for (size_t i = 0; i < count; i++)
			found = rows[i].id == id ? &rows[i] : found;
		if (found != NULL)
			add(j, found);
		else
			rc = err_set(&j->err, ERR_CORRUPT, "targets: number %u of %zu is not in the store", id, count);
	}
	free(rows);
	return rc;
}

void targets_free(struct journal *j)
{
	for (size_t i = 0; i < j->targets.count; i++)
		free(j->targets.entries[i]);
	free(j->targets.entries);
	hash_free(&j->targets.by_name);
	j->targets = (struct target_table){ 0 };
}

/* ---- rules ---- */

/* By the new rules other steps may keep a place in a lane (schedule.c: keeps_lane). */
static void recheck_lanes(struct target_entry *t)
{
	t->recheck_lanes = true;
	t->recheck_lanes_after = (struct step_row){ 0 };
}

/* The byte of target_lane_rules: a version, which changes when schedule.c decides differently who keeps a
 * place in a lane, and the two rules that it depends on. */
#define LANE_RULES_VERSION 4
#define LANE_RULES_HOLD    1
#define LANE_RULES_MISSING 2

uint8_t target_lane_rules(const struct target_entry *t)
{
	if (t->recheck_lanes)
		return 0; /* some rows were placed by these rules, some by the earlier ones */
	return (uint8_t)(LANE_RULES_VERSION | (t->rules.attention_holds ? LANE_RULES_HOLD : 0) |
					 (t->rules.missing ? LANE_RULES_MISSING : 0));
}

void target_set_lane_rules(struct target_entry *t, uint8_t lane_rules)
{
	if ((lane_rules & ~(LANE_RULES_HOLD | LANE_RULES_MISSING)) != LANE_RULES_VERSION)
		recheck_lanes(t);
	t->rules.attention_holds = (lane_rules & LANE_RULES_HOLD) != 0;
	t->rules.missing = (lane_rules & LANE_RULES_MISSING) != 0;
}

/* Rows in lanes are examined again only for targets whose answer to "who keeps a place" may have changed:
 * that takes a pass over all rows of the target. */
int targets_set_rules(struct journal *j, struct journal_target *targets, size_t count)
{
	assert(j->batch.open && (targets != NULL || count == 0));
	for (size_t i = 0; i < j->targets.count; i++) {
		struct target_entry *t = j->targets.entries[i];
		t->was_missing = t->rules.missing;
		t->rules.missing = true;
	}
	for (size_t i = 0; i < count; i++) {
		struct target_entry *t;
		int rc = target_ensure(j, targets[i].name, &t);
		if (rc != 0)
			return rc;
		bool holds = t->rules.attention_holds;
		t->rules = targets[i].rules;
		t->news = t->state_changed = t->clamp_pending = true;
		targets[i].id = t->id;
		if (holds != t->rules.attention_holds)
			recheck_lanes(t);
	}
	for (size_t i = 0; i < j->targets.count; i++) {
		if (j->targets.entries[i]->was_missing != j->targets.entries[i]->rules.missing)
			recheck_lanes(j->targets.entries[i]);
	}
	return 0;
}

static const struct step_rules *rules_of(void *ctx, const char *target)
{
	const struct target_entry *t = target_of_name(ctx, target);
	return t != NULL ? &t->rules : &rules_missing;
}

struct rules_port targets_rules_port(struct journal *j)
{
	return (struct rules_port){ j, rules_of };
}

/* ---- what may start, and when ---- */

bool target_is_open(const struct journal *j, const struct target_entry *t, bool probe)
{
	return !t->row.paused && (probe || !t->row.held) &&
		   !atomic_load_explicit(&j->disk.low, memory_order_relaxed);
}

/* The store is asked only after the first row may have gone: with each outcome it would be too often. */
int target_next_due(struct journal *j, struct target_entry *t, int64_t *ret_ms)
{
	if (t->claimable == 0) {
		t->next_due_ms = INT64_MAX;
		t->due_unknown = false;
	}
	if (t->due_unknown) {
		int rc = j->store.row_next_due(j->store.ctx, t->id, &t->next_due_ms, &j->err);
		if (rc != 0)
			return rc;
		t->due_unknown = false;
	}
	*ret_ms = t->next_due_ms;
	return 0;
}

int target_has_backlog(struct journal *j, struct target_entry *t, bool *ret)
{
	int64_t due_ms = INT64_MAX;
	int rc = target_next_due(j, t, &due_ms);
	*ret = due_ms <= j->now_ms;
	return rc;
}

/* The cap and half of it as jitter (saga/model/retry.h), and a second against rounding. */
int64_t target_longest_wait_ms(const struct target_entry *t)
{
	int64_t cap = t->rules.retry.cap_ms;
	return cap > INT64_MAX / 4 ? INT64_MAX / 2 : cap + cap / 2 + 1000;
}

bool target_limit_due(const struct journal *j, const struct target_entry *t, struct step *st)
{
	if (st->due_ms <= j->now_ms + target_longest_wait_ms(t))
		return false;
	st->due_ms = st->state == STEP_READY ? j->now_ms : j->now_ms + t->rules.retry.cap_ms;
	return true;
}

/* ---- pause and hold ---- */

static void set_held(struct target_row *row, bool held, const char *why)
{
	row->held = held;
	snprintf(row->held_reason, sizeof row->held_reason, "%s", held ? why : "");
}

/* The row as the action leaves it. A pause of a target that is not held shows the operator's reason in the
 * place of the hold's reason, until it is resumed. */
static struct target_row row_after(const struct target_row *before, enum target_action action,
								   const char *note)
{
	struct target_row row = *before;
	if (action == TARGET_PAUSE) {
		row.paused = true;
		if (!row.held)
			snprintf(row.held_reason, sizeof row.held_reason, "%s", note);
	}
	if (action == TARGET_RESUME)
		row.paused = false;
	if (action != TARGET_PAUSE)
		set_held(&row, action == TARGET_HOLD, note);
	return row;
}

int target_apply_action(struct journal *j, struct target_entry *t, enum target_action action,
						const char *actor, const char *note)
{
	static const char *const action_texts[] = { "paused", "resumed", "held", "released" };
	assert(j->batch.open && action >= TARGET_PAUSE && action <= TARGET_RELEASE);
	struct target_row row = row_after(&t->row, action, note != NULL ? note : "");
	if (row.paused == t->row.paused && row.held == t->row.held)
		return 0; /* nothing to change */
	row.changed_ms = j->now_ms;
	int rc = j->store.target_put(j->store.ctx, &row, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	t->row = row;
	t->news = t->state_changed = true;
	log_add(j, SUBJECT_TARGET, t->id, RECORD_TARGET, action_texts[action], actor, note);
	return 0;
}
