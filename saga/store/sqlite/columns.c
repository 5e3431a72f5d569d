/* Our values to and from the columns of rows, and the plans lately seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/db.h"

void column_bind_event(struct db_query *q, const struct event *event)
{
	const struct event_fields *f = &event->f;
	query_int(q, event->received_ms);
	query_blob(q, event->salt, sizeof event->salt);
	query_text(q, f->source);
	query_text(q, f->event_id);
	query_text(q, f->type);
	query_text(q, f->gift);
	query_text(q, f->donor);
	query_text(q, f->content_type);
	query_blob(q, f->raw.p, f->raw.len);
	query_text(q, f->canonical);
}

struct event *column_event(struct db_query *q, int first)
{
	uint8_t salt[EVENT_SALT_BYTES];
	column_fixed(q, first + 1, salt, sizeof salt);
	struct event_fields f = {
		.source = column_bytes(q, first + 2),
		.event_id = column_bytes(q, first + 3),
		.type = column_bytes(q, first + 4),
		.gift = column_bytes(q, first + 5),
		.donor = column_bytes(q, first + 6),
		.content_type = column_bytes(q, first + 7),
		.raw = column_bytes(q, first + 8),
		.canonical = column_bytes(q, first + 9),
	};
	return event_restore(&f, column_int(q, first), salt);
}

void column_step_row(struct db_query *q, struct step_row *ret)
{
	*ret = (struct step_row){
		.saga = column_int(q, 0),
		.step = (uint16_t)column_int(q, 1),
		.target = (uint32_t)column_int(q, 2),
		.why = (uint8_t)column_int(q, 3),
		.has_lane = column_bytes(q, 4).len == LANE_BYTES,
		.due_ms = column_int(q, 5),
		.since_ms = column_int(q, 6),
	};
	column_fixed(q, 4, ret->lane, sizeof ret->lane);
}

void column_log_row(struct db_query *q, struct log_row *ret)
{
	*ret = (struct log_row){
		.number = column_int(q, 0),
		.commit = column_int(q, 1),
		.subject = (enum subject)column_int(q, 2),
		.subject_id = column_int(q, 3),
		.at_ms = column_int(q, 4),
		.head = column_bytes(q, 5),
		.personal = column_bytes(q, 6),
	};
	column_fixed(q, 7, ret->salt, sizeof ret->salt);
	column_fixed(q, 8, ret->personal_digest, sizeof ret->personal_digest);
}

void column_related(struct db_query *q, struct related_row *ret)
{
	*ret =
		(struct related_row){ .id = column_int(q, 0), .saga = column_int(q, 1), .due_ms = column_int(q, 3) };
	column_fixed(q, 2, ret->gift, sizeof ret->gift);
	ret->event = column_event(q, 4);
}

/* Texts are ours and short; a longer one is cut. */
static void copy_text(char *to, size_t capacity, struct str from)
{
	(void)snprintf(to, capacity, "%.*s", (int)from.len, from.p);
}

static void column_target(struct db_query *q, struct target_row *ret)
{
	*ret = (struct target_row){
		.id = (uint32_t)column_int(q, 0),
		.paused = column_int(q, 2) != 0,
		.held = column_int(q, 3) != 0,
		.changed_ms = column_int(q, 5),
		.breaker_not_closed = column_int(q, 6) != 0,
	};
	copy_text(ret->name, sizeof ret->name, column_bytes(q, 1));
	copy_text(ret->held_reason, sizeof ret->held_reason, column_bytes(q, 4));
}

int column_target_rows(struct db_query *q, struct target_row **ret, size_t *ret_count, struct err *err)
{
	struct target_row *rows = NULL;
	size_t count = 0;
	int rc = query_next(q, err);
	for (; rc == 1; rc = query_next(q, err)) {
		rows = mem_grow(rows, (count + 1) * sizeof *rows);
		column_target(q, &rows[count++]);
	}
	if (rc != 0) {
		free(rows);
		return rc;
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

/* ---- plans ---- */

struct plan_cache_slot *plan_cache_by_digest(struct db *db, const uint8_t digest[32])
{
	for (unsigned i = 0; i < PLAN_CACHE_SLOTS; i++)
		if (db->plans[i].number != 0 && memcmp(db->plans[i].digest, digest, 32) == 0)
			return &db->plans[i];
	return NULL;
}

static struct plan_cache_slot *plan_cache_by_number(struct db *db, int64_t number)
{
	for (unsigned i = 0; i < PLAN_CACHE_SLOTS; i++)
		if (db->plans[i].number == number)
			return &db->plans[i];
	return NULL;
}

struct plan_cache_slot *plan_cache_remember(struct db *db, int64_t number, const uint8_t digest[32])
{
	struct plan_cache_slot *slot = plan_cache_by_number(db, number);
	if (slot != NULL)
		return slot;
	slot = &db->plans[db->next_plan_slot++ % PLAN_CACHE_SLOTS];
	if (slot->plan != NULL)
		plan_unref(slot->plan);
	*slot = (struct plan_cache_slot){ .number = number };
	memcpy(slot->digest, digest, sizeof slot->digest);
	return slot;
}

void plan_cache_forget(struct db *db)
{
	for (unsigned i = 0; i < PLAN_CACHE_SLOTS; i++) {
		if (db->plans[i].plan != NULL)
			plan_unref(db->plans[i].plan);
		db->plans[i] = (struct plan_cache_slot){ 0 };
	}
}

static int plans_load(struct db *db, size_t which, int64_t number, struct plan_cache_slot **ret,
					  struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(db, which);
	query_int(&q, number);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "store %s: plan %lld is missing", db->path, (long long)number);
	struct plan *plan = NULL;
	rc = plan_parse(column_bytes(&q, 0), &plan, err);
	if (rc != 0) {
		(void)err_wrap(err, ERR_CORRUPT, "store %s: plan %lld", db->path, (long long)number);
		return ERR_CORRUPT;
	}
	*ret = plan_cache_remember(db, number, plan->digest);
	if ((*ret)->plan != NULL)
		plan_unref((*ret)->plan);
	(*ret)->plan = plan;
	return 0;
}

int plans_get(struct db *db, size_t which, int64_t number, struct plan **ret, struct err *err)
{
	struct plan_cache_slot *slot = plan_cache_by_number(db, number);
	if (slot == NULL || slot->plan == NULL) {
		int rc = plans_load(db, which, number, &slot, err);
		if (rc != 0)
			return rc;
		assert(slot != NULL);
	}
	*ret = plan_ref(slot->plan);
	return 0;
}
