/* GET /v1/log, every record of the log on its own line, and GET /v1/verify. */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/json.h"
#include "gateway/admin/views/log_json.h"
#include "gateway/admin/views/views.h"
#include "saga/base/mem.h"

#define PAGE_ROWS 256 /* rows for each piece of the answer; chosen, no measurement */

struct log_stream {
	struct store_reader reader;
	int64_t saga;
	int64_t after;
	json_t *page; /* the objects of the current piece; NULL between two pieces */
	struct target_row *targets;
	size_t target_count;
	/* The saga whose plan was read last. Records of one saga often follow each other, so this saves reads. */
	int64_t known_saga;
	struct plan *plan;
};

static int each_row(void *ctx, const struct log_row *row)
{
	struct log_stream *s = ctx;
	size_t first = json_array_size(s->page);
	log_json_row(row, NULL, s->page);
	for (size_t i = first; i < json_array_size(s->page); i++)
		(void)admin_json_cursor(json_array_get(s->page, i), STORE_LIST_LOG, row->number);
	return 0;
}

/* ---- names of steps and targets ---- */

/* NULL if the saga cannot be read; its records then keep the number of the step. */
static const struct plan *plan_of(struct log_stream *s, int64_t id)
{
	if (id == s->known_saga)
		return s->plan;
	struct saga *saga = NULL;
	plan_unref(s->plan);
	s->plan = NULL;
	s->known_saga = id;
	if (s->reader.saga_get(s->reader.ctx, id, &saga, NULL) == 0)
		s->plan = plan_ref(saga->plan);
	saga_destroy(saga);
	return s->plan;
}

static void name_step(struct log_stream *s, json_t *record)
{
	const json_t *step = json_object_get(record, "step");
	if (!json_is_integer(step))
		return;
	const struct plan *plan = plan_of(s, json_integer_value(json_object_get(record, "id")));
	json_int_t at = json_integer_value(step);
	if (plan != NULL && at >= 0 && at < plan->step_count)
		json_object_set_new(record, "step_name", admin_json_text(plan->steps[at].name));
}

static void name_target(const struct log_stream *s, json_t *record)
{
	json_int_t id = json_integer_value(json_object_get(record, "id"));
	for (size_t i = 0; i < s->target_count; i++)
		if (s->targets[i].id == id)
			json_object_set_new(record, "target", admin_json_text(s->targets[i].name));
}

/* Adds the names that belong to the numbers in the record: of the step, or of the target. */
static void name_all(struct log_stream *s, json_t *record)
{
	const char *subject = json_string_value(json_object_get(record, "subject"));
	if (subject != NULL && strcmp(subject, name_of_subject(SUBJECT_SAGA)) == 0)
		name_step(s, record);
	else if (subject != NULL && strcmp(subject, name_of_subject(SUBJECT_TARGET)) == 0)
		name_target(s, record);
}

/* ---- the stream ---- */

/* One page of rows. The rows are read first and named afterwards, because naming them uses the same reader.
 */
static int log_stream_more(void *stream, struct buf *out, struct err *err)
{
	struct log_stream *s = stream;
	int64_t next = s->after;
	s->page = json_array();
	int rc = s->reader.log_read(s->reader.ctx, s->saga, s->after, PAGE_ROWS, s, each_row, &next, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(s->page); i++) {
		json_t *record = json_array_get(s->page, i);
		name_all(s, record);
		admin_json_line(out, json_incref(record));
	}
	json_decref(s->page);
	s->page = NULL;
	if (rc != 0)
		return rc;
	bool moved = next != s->after;
	s->after = next;
	return moved ? 1 : 0;
}

static void log_stream_free(void *stream)
{
	struct log_stream *s = stream;
	if (s->reader.close != NULL)
		s->reader.close(s->reader.ctx);
	plan_unref(s->plan);
	free(s->targets);
	free(s);
}

void view_log(struct admin_call *call)
{
	struct log_stream *s = mem_zalloc(sizeof *s);
	struct err err = { 0 };
	int rc = query_check_names(&call->query, (const char *const[]){ "after", "saga", NULL }, &err);
	if (rc == 0)
		rc = query_position(&call->query, "after", STORE_LIST_LOG, 0, &s->after, &err);
	if (rc == 0)
		rc = query_number(&call->query, "saga", 0, &s->saga, &err);
	if (rc == 0)
		rc = call->api->open_reader(call->api->ctx, &s->reader, &err);
	if (rc == 0)
		rc = s->reader.targets(s->reader.ctx, &s->targets, &s->target_count, &err);
	if (rc != 0) {
		admin_call_fail(call, rc, err.text);
		log_stream_free(s);
		return;
	}
	admin_call_stream(call, s, log_stream_more, log_stream_free);
}

static void add_finding(void *ctx, const char *line)
{
	json_array_append_new(ctx, admin_json_text(line));
}

void view_verify(struct admin_call *call)
{
	struct store_reader reader;
	if (!admin_call_open_reader(call, &reader))
		return;
	struct err err = { 0 };
	int64_t findings = 0;
	json_t *lines = json_array();
	int rc = reader.verify(reader.ctx, lines, add_finding, &findings, &err);
	reader.close(reader.ctx);
	if (rc != 0) {
		json_decref(lines);
		admin_call_fail(call, rc, err.text);
		return;
	}
	admin_call_json(call, json_pack("{s:b, s:I, s:o}", "sound", findings == 0, "findings",
									(json_int_t)findings, "lines", lines));
}
