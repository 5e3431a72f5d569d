/* Rejected requests: requests whose signature or token did not verify, kept for a limited time and in a
 * limited number of bytes for each source; the oldest are deleted first. They are no part of the saga log,
 * because nothing proves who sent them. */
#include "saga/model/envelope.h"
#include "saga/store/sqlite/read.h"
#include "saga/store/sqlite/write.h"

#include <string.h>

#define ROW_BYTES 256 /* estimate for a row without its texts: numbers, two index entries, page overhead */

static int64_t bytes_of(const struct rejected_row *row)
{
	return (int64_t)(row->source.len + row->address.len + row->url.len + row->headers.len + row->body.len) +
		   ROW_BYTES;
}

static int total_add(struct sqlite_writer *w, struct str source, int64_t bytes, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_REJECTED_TOTAL_ADD);
	query_text(&q, source);
	query_int(&q, bytes);
	return query_run(&q, err);
}

static int total_get(struct sqlite_writer *w, struct str source, int64_t *ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_REJECTED_TOTAL);
	query_text(&q, source);
	int rc = query_next(&q, err);
	*ret = rc == 1 ? column_int(&q, 0) : 0;
	return rc < 0 ? rc : 0;
}

static int delete_row(struct sqlite_writer *w, int64_t id, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_REJECTED_DELETE);
	query_int(&q, id);
	return query_run(&q, err);
}

/* *ret_bytes is 0 when the source has no rejected request. */
static int find_oldest(struct sqlite_writer *w, struct str source, int64_t *ret_id, int64_t *ret_bytes,
					   struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_REJECTED_OLDEST);
	query_text(&q, source);
	int rc = query_next(&q, err);
	*ret_id = rc == 1 ? column_int(&q, 0) : 0;
	*ret_bytes = rc == 1 ? column_int(&q, 1) : 0;
	return rc < 0 ? rc : 0;
}

/* Deletes the oldest requests of the source until `needed` more bytes fit into keep_bytes. A total that is
 * wrong (positive without rows) is corrected to 0. */
static int evict_oldest(struct sqlite_writer *w, struct str source, int64_t needed, int64_t keep_bytes,
						struct err *err)
{
	int64_t total = 0;
	int rc = total_get(w, source, &total, err);
	while (rc == 0 && total > 0 && total + needed > keep_bytes) {
		int64_t id, bytes;
		rc = find_oldest(w, source, &id, &bytes, err);
		if (rc == 0 && bytes == 0)
			return total_add(w, source, -total, err);
		if (rc == 0)
			rc = delete_row(w, id, err);
		if (rc == 0)
			rc = total_add(w, source, -bytes, err);
		total -= bytes;
	}
	return rc;
}

/* The bytes of a column that can be erased: the envelope byte and the content. */
static void bind_payload(struct db_query *q, struct buf *payload, struct str content)
{
	buf_byte(payload, ENVELOPE_PLAIN);
	buf_add(payload, content.p, content.len);
	query_blob(q, payload->data, payload->len);
}

static int rejected_put(void *ctx, const struct rejected_row *row, int64_t keep_bytes, bool *ret_kept,
						struct err *err)
{
	struct sqlite_writer *w = ctx;
	int64_t bytes = bytes_of(row);
	*ret_kept = bytes <= keep_bytes;
	if (!*ret_kept)
		return 0;
	int rc = evict_oldest(w, row->source, bytes, keep_bytes, err);
	if (rc == 0)
		rc = total_add(w, row->source, bytes, err);
	if (rc != 0)
		return rc;
	struct buf headers AUTO_BUF = { 0 };
	struct buf body AUTO_BUF = { 0 };
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_REJECTED_ADD);
	query_text(&q, row->source);
	query_int(&q, row->received_ms);
	query_int(&q, row->wall_ms);
	query_int(&q, row->until_ms);
	query_int(&q, bytes);
	query_text(&q, row->address);
	query_text(&q, row->url);
	bind_payload(&q, &headers, row->headers);
	bind_payload(&q, &body, row->body);
	return query_run(&q, err);
}

static int rejected_delete(void *ctx, int64_t id, bool *ret_deleted, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_REJECTED_GET);
	query_int(&q, id);
	int rc = query_next(&q, err);
	*ret_deleted = rc == 1;
	if (rc == 1)
		rc = total_add(w, column_bytes(&q, 0), -column_int(&q, 1), err);
	if (rc == 0 && *ret_deleted)
		rc = delete_row(w, id, err);
	return rc;
}

/* Rejected requests are deleted one by one, so that each query ends before the deletion begins. */
static int rejected_prune(void *ctx, int64_t now_ms, size_t limit, size_t *ret_deleted, struct err *err)
{
	struct sqlite_writer *w = ctx;
	*ret_deleted = 0;
	while (*ret_deleted < limit) {
		int64_t id = 0;
		{
			struct db_query AUTO_QUERY q = query_begin(&w->db, W_REJECTED_OLD);
			query_int(&q, now_ms);
			int rc = query_next(&q, err);
			if (rc <= 0)
				return rc;
			id = column_int(&q, 0);
		}
		bool deleted;
		int rc = rejected_delete(w, id, &deleted, err);
		if (rc != 0)
			return rc;
		*ret_deleted += 1;
	}
	return 0;
}

void rejected_ops(struct store_writer *ops)
{
	ops->rejected_put = rejected_put;
	ops->rejected_delete = rejected_delete;
	ops->rejected_prune = rejected_prune;
}

/* ---- reading ---- */

static int column_rejected(struct db_query *q, struct rejected_row *ret, struct err *err)
{
	*ret = (struct rejected_row){ .id = column_int(q, 0),
								  .source = column_bytes(q, 1),
								  .received_ms = column_int(q, 2),
								  .wall_ms = column_int(q, 3),
								  .until_ms = column_int(q, 4),
								  .address = column_bytes(q, 5),
								  .url = column_bytes(q, 6) };
	int rc = envelope_open(column_bytes(q, 7), &ret->headers, err);
	if (rc == 0)
		rc = envelope_open(column_bytes(q, 8), &ret->body, err);
	return rc == 0 ? 0 : err_wrap(err, rc, "store %s: refused request %lld", q->db->path, (long long)ret->id);
}

/* A full page, and a slice that ended early, give a *ret_next; otherwise the list is complete. */
static int list_rejected(void *ctx, const char *source, int64_t after, size_t capacity, void *each_ctx,
						 int (*each)(void *each_ctx, const struct rejected_row *row), int64_t *ret_next,
						 struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, source != NULL ? R_REJECTED_OF : R_REJECTED);
	query_int(&q, after);
	query_int(&q, (int64_t)capacity);
	if (source != NULL)
		query_text(&q, str_of(source));
	*ret_next = 0;
	size_t used = 0;
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct rejected_row row;
		int damaged = column_rejected(&q, &row, err);
		if (damaged != 0)
			return damaged;
		*ret_next = ++used == capacity ? row.id : 0;
		if (each(each_ctx, &row) != 0)
			return 0;
		if (read_slice_over(r)) {
			*ret_next = row.id;
			return 0;
		}
	}
	return rc;
}

void rejected_read_ops(struct store_reader *ops)
{
	ops->rejected_list = list_rejected;
}
