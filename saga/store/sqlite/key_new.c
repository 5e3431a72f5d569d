/* The table key_new and its copy in memory.
 *
 * A key is a digest, so its position in a sorted table is random. Inserting keys one by one would rewrite
 * one page for each event, first in the write-ahead log and then in the main file. New keys are therefore
 * appended to the table key_new and kept in memory. When there are many of them, they are moved to the
 * sorted table key, one slice at a time: a rewritten page then takes many keys, and no single commit
 * does much of the work. After a crash during a move, keys are in both tables, with the same owner, and the
 * move starts again. Figures: saga/store/README.md. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/write.h"

/* The number of rows in key_new that starts a move. During the move as many can be added; then it ends, so
 * that the copy in memory takes at most 4 MiB. */
#define MOVE_ROWS (KEY_NEW_ROWS_MAX / 2)
/* The number of rows added after which a slice is moved, and usually the number of rows in the slice: under a
 * millisecond of work. */
#define MOVE_EVERY_ROWS 256

static void stop_move(struct key_table *table)
{
	free(table->move_order);
	table->move_order = NULL;
	table->added_since_move = 0;
}

void key_new_finish(struct sqlite_writer *w)
{
	stop_move(&w->keys);
	store_recent_finish(&w->keys.recent);
}

/* ---- moving ---- */

/* For qsort_r: orders indexes into the array `keys` by digest. Of two rows with one digest, which only a
 * damaged store has, the newer comes last, and stays. */
static int compare_digests(const void *a, const void *b, void *keys)
{
	const struct recent_key *all = keys;
	const uint32_t *x = a;
	const uint32_t *y = b;
	int order = memcmp(all[*x].digest, all[*y].digest, STORE_KEY_BYTES);
	return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* Sorts the rows of now by digest. Rows added later are behind move_count and wait for the next move. The
 * slices are as large as the move needs to end before there are too many rows: larger than usual when a crash
 * or a rollback has stopped an earlier move. */
static void begin_move(struct key_table *table)
{
	size_t rows = table->recent.count;
	size_t slices = rows < KEY_NEW_ROWS_MAX ? (KEY_NEW_ROWS_MAX - rows) / MOVE_EVERY_ROWS : 0;
	table->move_slice = slices > 0 ? (rows + slices - 1) / slices : rows;
	table->move_count = table->recent.count;
	table->move_at = 0;
	table->move_last_id = table->next_id - 1;
	table->move_order = mem_alloc(table->move_count * sizeof *table->move_order);
	for (size_t i = 0; i < table->move_count; i++)
		table->move_order[i] = (uint32_t)i;
	qsort_r(table->move_order, table->move_count, sizeof *table->move_order, compare_digests,
			table->recent.keys);
}

static int move_one(struct sqlite_writer *w, const struct recent_key *key, struct err *err)
{
	if (key->id == 0)
		return 0; /* deleted since the move began */
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_MOVE);
	query_blob(&q, key->digest, sizeof key->digest);
	query_int(&q, key->owner);
	query_int(&q, key->day);
	return query_run(&q, err);
}

/* Every row of the move is in the sorted table now: deletes it in key_new and in memory. */
static int end_move(struct sqlite_writer *w, struct err *err)
{
	struct key_table *table = &w->keys;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_MOVED);
	query_int(&q, table->move_last_id);
	int rc = query_run(&q, err);
	store_recent_drop(&table->recent, table->move_count);
	stop_move(table);
	return rc;
}

static int move_slice(struct sqlite_writer *w, struct err *err)
{
	struct key_table *table = &w->keys;
	size_t end = table->move_at + table->move_slice;
	for (; table->move_at < end && table->move_at < table->move_count; table->move_at++) {
		int rc = move_one(w, &table->recent.keys[table->move_order[table->move_at]], err);
		if (rc != 0)
			return rc;
	}
	return table->move_at == table->move_count ? end_move(w, err) : 0;
}

/* Called after each row added: does nothing for MOVE_EVERY_ROWS - 1 rows, then moves a slice. */
static int move_some(struct sqlite_writer *w, struct err *err)
{
	struct key_table *table = &w->keys;
	if (table->move_order == NULL && table->recent.count < MOVE_ROWS)
		return 0;
	if (table->move_order == NULL)
		begin_move(table);
	if (++table->added_since_move < MOVE_EVERY_ROWS && table->recent.count < KEY_NEW_ROWS_MAX)
		return 0;
	table->added_since_move = 0;
	return move_slice(w, err);
}

/* ---- loading ---- */

/* Memory mirrors key_new: loaded at start, and again when a rollback undid changes. */
int key_new_load(struct sqlite_writer *w, struct err *err)
{
	struct key_table *table = &w->keys;
	stop_move(table);
	store_recent_clear(&table->recent);
	table->next_id = 1;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_LOAD);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct recent_key key = { .id = column_int(&q, 0),
								  .owner = column_int(&q, 2),
								  .day = column_int(&q, 3) };
		column_fixed(&q, 1, key.digest, sizeof key.digest);
		store_recent_add(&table->recent, &key);
		table->next_id = key.id + 1;
	}
	table->changed = false;
	return rc;
}

/* ---- changing ---- */

int key_new_add(struct sqlite_writer *w, const uint8_t digest[STORE_KEY_BYTES], int64_t owner, int64_t day,
				struct err *err)
{
	struct key_table *table = &w->keys;
	struct recent_key key = { .owner = owner, .id = table->next_id, .day = day };
	memcpy(key.digest, digest, sizeof key.digest);
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_ADD);
	query_int(&q, key.id);
	query_blob(&q, key.digest, sizeof key.digest);
	query_int(&q, key.owner);
	query_int(&q, key.day);
	int rc = query_run(&q, err);
	if (rc != 0)
		return rc;
	table->changed = true;
	table->next_id++;
	store_recent_add(&table->recent, &key);
	return move_some(w, err);
}

int key_new_transfer(struct sqlite_writer *w, struct recent_key *row, int64_t to, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_TRANSFER_NEW);
	query_int(&q, row->id);
	query_int(&q, to);
	int rc = query_run(&q, err);
	if (rc != 0)
		return rc;
	w->keys.changed = true;
	row->owner = to;
	return 0;
}

/* The row stays in the array: its removal would change the indexes in move_order. */
int key_new_delete(struct sqlite_writer *w, struct recent_key *row, struct err *err)
{
	assert(row->id != 0);
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_DELETE_NEW);
	query_int(&q, row->id);
	int rc = query_run(&q, err);
	if (rc != 0)
		return rc;
	w->keys.changed = true;
	store_recent_remove(&w->keys.recent, row);
	return 0;
}
