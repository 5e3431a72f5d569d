/* GET /v1/sagas…: the list of sagas, their number, and one saga with its log. */
#include <stdlib.h>

#include "gateway/admin/json.h"
#include "gateway/admin/views/log_json.h"
#include "gateway/admin/views/saga_json.h"
#include "gateway/admin/views/views.h"
#include "saga/base/mem.h"

#define PAGE_SAGAS 64 /* sagas for each piece of the list; chosen, no measurement */
/* A reader must not keep a snapshot open for long, or the write-ahead log grows: see
 * saga/store/README.md "Hazards of SQLite". */
#define PAGE_BUDGET_MS 200

/* ---- list ---- */

struct saga_stream {
	struct store_reader reader;
	struct query_string query; /* owns the texts to which `filter` points */
	struct saga_filter filter;
	int64_t before;
	int64_t left; /* how many more sagas the caller wants; -1: all */
};

/* One page. The store ends a page early when PAGE_BUDGET_MS are over, so a page can be empty before the end.
 */
static int saga_stream_more(void *stream, struct buf *out, struct err *err)
{
	struct saga_stream *s = stream;
	struct saga *page[PAGE_SAGAS];
	size_t want = s->left >= 0 && s->left < PAGE_SAGAS ? (size_t)s->left : PAGE_SAGAS;
	if (want == 0 || s->before == 0)
		return 0;
	size_t count = 0;
	int64_t next = 0;
	int rc = s->reader.saga_list(s->reader.ctx, &s->filter, s->before, PAGE_BUDGET_MS, page, want, &count,
								 &next, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		admin_json_line(out, admin_json_cursor(saga_json(page[i]), STORE_LIST_SAGAS, page[i]->id));
		saga_destroy(page[i]);
	}
	s->before = next;
	if (s->left >= 0)
		s->left -= (int64_t)count;
	return next != 0 && s->left != 0 ? 1 : 0;
}

static void saga_stream_free(void *stream)
{
	struct saga_stream *s = stream;
	if (s->reader.close != NULL)
		s->reader.close(s->reader.ctx);
	query_finish(&s->query);
	free(s);
}

/* Reads the query and opens the reader. On an error the caller still calls saga_stream_free. */
static int saga_stream_begin(struct admin_call *call, struct saga_stream *s, struct err *err)
{
	int64_t now_ms = call->api->now_ms(call->api->ctx);
	int rc = query_filter(&call->query, now_ms, &s->filter, err);
	if (rc == 0)
		rc = query_number(&call->query, "limit", -1, &s->left, err);
	if (rc == 0)
		rc = query_position(&call->query, "before", STORE_LIST_SAGAS, INT64_MAX, &s->before, err);
	if (rc == 0)
		rc = call->api->open_reader(call->api->ctx, &s->reader, err);
	s->query = call->query; /* the stream outlives the call, so it takes the query over */
	call->query = (struct query_string){ 0 };
	return rc;
}

void view_sagas(struct admin_call *call)
{
	struct saga_stream *s = mem_zalloc(sizeof *s);
	struct err err = { 0 };
	int rc = saga_stream_begin(call, s, &err);
	if (rc != 0) {
		admin_call_fail(call, rc, err.text);
		saga_stream_free(s);
		return;
	}
	admin_call_stream(call, s, saga_stream_more, saga_stream_free);
}

/* ---- count ---- */

/* Is the number among the figures that every commit keeps? It is for all sagas, and for all sagas of one
 * state. */
static bool is_counted_already(const struct saga_filter *f)
{
	return f->older_ms == 0 && f->newer_ms == 0 && f->target == NULL && f->outcome < 0 && f->reason < 0 &&
		   f->source == NULL && f->donor == NULL && f->event_id == NULL;
}

static int read_counters(struct admin_call *call, const struct saga_filter *f, int64_t *ret, struct err *err)
{
	struct journal_counts counts;
	int rc = admin_call_counts(call, &counts, err);
	if (rc != 0)
		return rc;
	*ret = 0;
	for (int state = 0; state < SAGA_STATE_COUNT; state++)
		*ret += f->state < 0 || f->state == state ? counts.sagas[state] : 0;
	journal_counts_finish(&counts);
	return 0;
}

static int count_sagas(struct saga_stream *s, int64_t *ret, struct err *err)
{
	struct saga *page[PAGE_SAGAS];
	*ret = 0;
	while (s->before != 0) {
		size_t count = 0;
		int rc = s->reader.saga_list(s->reader.ctx, &s->filter, s->before, PAGE_BUDGET_MS, page, PAGE_SAGAS,
									 &count, &s->before, err);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < count; i++)
			saga_destroy(page[i]);
		*ret += (int64_t)count;
	}
	return 0;
}

void view_saga_count(struct admin_call *call)
{
	struct saga_stream *s = mem_zalloc(sizeof *s);
	struct err err = { 0 };
	int64_t count = 0;
	int rc = saga_stream_begin(call, s, &err);
	if (rc == 0)
		rc = is_counted_already(&s->filter) ? read_counters(call, &s->filter, &count, &err)
											: count_sagas(s, &count, &err);
	saga_stream_free(s);
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	else
		admin_call_json(call, json_pack("{s:I}", "count", (json_int_t)count));
}

/* ---- one saga ---- */

struct saga_details {
	json_t *list;
	const struct plan *plan;
};

static int show_log_row(void *ctx, const struct log_row *row)
{
	struct saga_details *show = ctx;
	log_json_row(row, show->plan, show->list);
	return 0;
}

static int show_related(void *ctx, const struct related_row *row)
{
	struct saga_details *show = ctx;
	const struct event *e = row->event;
	if (e == NULL) { /* `almoner verify` names it */
		json_array_append_new(show->list, json_pack("{s:s, s:s, s:n}", "event_id", "", "type",
													"damaged: it cannot be read", "received_at"));
		return 0;
	}
	json_array_append_new(
		show->list, json_pack("{s:o, s:o, s:o}", "event_id", admin_json_text(e->f.event_id.p), "type",
							  admin_json_text(e->f.type.p), "received_at", admin_json_time(e->received_ms)));
	return 0;
}

/* Reads the log of a saga, page by page, into show->list. */
static int read_log(struct store_reader *reader, int64_t id, struct saga_details *show, struct err *err)
{
	int64_t after = 0;
	for (;;) {
		int64_t next = after;
		int rc = reader->log_read(reader->ctx, id, after, 256, show, show_log_row, &next, err);
		if (rc != 0 || next == after)
			return rc;
		after = next;
	}
}

/* The saga as an object with its log and its related events. A new reference in *ret. */
static int show_saga(struct store_reader *reader, int64_t id, json_t **ret, struct err *err)
{
	struct saga *s = NULL;
	int rc = reader->saga_get(reader->ctx, id, &s, err);
	if (rc != 0)
		return rc;
	json_t *saga = saga_json(s);
	struct saga_details log = { json_array(), s->plan };
	struct saga_details related = { json_array(), s->plan };
	rc = read_log(reader, id, &log, err);
	if (rc == 0)
		rc = reader->related_of(reader->ctx, id, &related, show_related, err);
	json_object_set_new(saga, "log", log.list);
	json_object_set_new(saga, "related", related.list);
	saga_destroy(s);
	if (rc != 0)
		json_decref(saga);
	else
		*ret = saga;
	return rc;
}

void view_saga(struct admin_call *call)
{
	struct store_reader reader;
	int64_t id = admin_call_saga_id(call);
	if (id == 0 || !admin_call_open_reader(call, &reader))
		return;
	struct err err = { 0 };
	json_t *saga = NULL;
	int rc = show_saga(&reader, id, &saga, &err);
	reader.close(reader.ctx);
	if (rc == ERR_NOT_FOUND)
		admin_call_fail(call, rc, "there is no saga with this number");
	else if (rc != 0)
		admin_call_fail(call, rc, err.text);
	else
		admin_call_json(call, saga);
}
