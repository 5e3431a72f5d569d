#include "saga/store/sqlite/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"

int64_t column_int(struct db_query *q, int column)
{
	return sqlite3_column_int64(q->st, column);
}

struct str column_bytes(struct db_query *q, int column)
{
	const char *p = sqlite3_column_blob(q->st, column);
	int len = sqlite3_column_bytes(q->st, column);
	return p == NULL ? (struct str){ "", 0 } : (struct str){ p, (size_t)len };
}

void column_fixed(struct db_query *q, int column, void *to, size_t len)
{
	struct str bytes = column_bytes(q, column);
	if (bytes.len == len)
		memcpy(to, bytes.p, len);
	else
		memset(to, 0, len);
}

struct event *column_event(struct db_query *q, int first, struct err *why)
{
	struct event *event = NULL;
	(void)!event_restore(column_bytes(q, first + 1), (uint32_t)column_int(q, first), &event, why);
	return event;
}

void column_saga_row(struct db_query *q, struct saga_row *ret)
{
	*ret = (struct saga_row){
		.id = column_int(q, 0),
		.plan = column_int(q, 1),
		.state = (uint8_t)column_int(q, 2),
		.index = (uint8_t)column_int(q, 3),
		.created_ms = column_int(q, 4),
		.value = column_bytes(q, 6),
	};
	column_fixed(q, 5, ret->salt, sizeof ret->salt);
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
	column_fixed(q, 9, ret->head_digest, sizeof ret->head_digest);
}

void column_chain_row(struct db_query *q, struct chain_row *ret)
{
	*ret = (struct chain_row){ .commit = column_int(q, 0),
							   .first = column_int(q, 1),
							   .last = column_int(q, 2),
							   .at_ms = column_int(q, 3),
							   .counters = column_bytes(q, 5),
							   .marks = column_bytes(q, 6) };
	column_fixed(q, 4, ret->digest, sizeof ret->digest);
}

void column_bind_chain_row(struct db_query *q, const struct chain_row *row)
{
	query_int(q, row->commit);
	query_int(q, row->first);
	query_int(q, row->last);
	query_int(q, row->at_ms);
	query_blob(q, row->digest, sizeof row->digest);
	query_optional_blob(q, row->counters);
	query_optional_blob(q, row->marks);
}

_Static_assert(STORE_FULL_EVERY == 256, "CHAIN_FIGURES has this number");

int column_figures(struct db_query *q, struct store_figures *ret, struct chain_row *ret_last, struct err *err)
{
	struct store_figures figures = { 0 };
	struct chain_row row = { 0 };
	int rc = query_next(q, err);
	while (rc == 1) {
		column_chain_row(q, &row);
		int bad = store_figures_add(&figures, &row, err);
		row.counters = row.marks = (struct str){ 0 };
		rc = bad != 0 ? err_wrap(err, bad, "store %s", q->db->path) : query_next(q, err);
	}
	if (rc != 0) {
		store_figures_free(&figures);
		return rc;
	}
	*ret = figures;
	if (ret_last != NULL)
		*ret_last = row;
	return 0;
}

void column_related(struct db_query *q, struct related_row *ret, struct err *why)
{
	struct str names = column_bytes(q, 4);
	*ret = (struct related_row){
		.id = column_int(q, 0),
		.saga = column_int(q, 1),
		.own = column_int(q, 2),
		.due_ms = column_int(q, 3),
		.names = (const uint8_t *)names.p,
		.name_count = names.len / STORE_KEY_BYTES,
	};
	(void)!event_restore(column_bytes(q, 5), EVENT_FIRST_VERSION, &ret->event, why);
}

/* Names and reasons of targets are short texts of our own; a longer one is cut. */
static void copy_text(char *to, size_t capacity, struct str from)
{
	snprintf(to, capacity, "%.*s", (int)from.len, from.p);
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
		ARRAY_GROW_BY_COUNT(rows, count);
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
