/* `log export`: every record, one a line; and `verify`. */
#include <stdlib.h>

#include "gateway/admin/call.h"
#include "gateway/admin/log_json.h"
#include "gateway/admin/saga_json.h"
#include "saga/base/mem.h"

#define PAGE_ROWS 256

struct log_stream {
	struct store_reader reader;
	int64_t saga;
	int64_t after;
	struct buf *out; /* during one call of more */
};

static int each_row(void *ctx, const struct log_row *row)
{
	struct log_stream *s = ctx;
	json_t *list = json_array();
	log_row_json(row, NULL, list);
	for (size_t i = 0; i < json_array_size(list); i++)
		admin_line(s->out, json_incref(json_array_get(list, i)));
	json_decref(list);
	return 0;
}

static int log_stream_more(void *stream, struct buf *out, struct err *err)
{
	struct log_stream *s = stream;
	int64_t next = s->after;
	s->out = out;
	int rc = s->reader.log_read(s->reader.ctx, s->saga, s->after, PAGE_ROWS, s, each_row, &next, err);
	if (rc != 0)
		return rc;
	bool moved = next != s->after;
	s->after = next;
	return moved;
}

static void log_stream_free(void *stream)
{
	struct log_stream *s = stream;
	if (s->reader.close != NULL)
		s->reader.close(s->reader.ctx);
	free(s);
}

void view_log(struct call *call)
{
	struct log_stream *s = mem_zalloc(sizeof *s);
	struct err err = { 0 };
	int rc = query_number(&call->query, "after", 0, &s->after, &err);
	if (rc == 0)
		rc = query_number(&call->query, "saga", 0, &s->saga, &err);
	if (rc == 0)
		rc = call->api->open_reader(call->api->ctx, &s->reader, &err);
	if (rc != 0) {
		call_fail(call, rc, err.text);
		log_stream_free(s);
		return;
	}
	call->reply->stream = s;
	call->reply->more = log_stream_more;
	call->reply->stream_free = log_stream_free;
}

static void say_finding(void *ctx, const char *line)
{
	json_array_append_new(ctx, admin_text(line));
}

void view_verify(struct call *call)
{
	struct store_reader reader;
	if (!call_open_reader(call, &reader))
		return;
	struct err err = { 0 };
	int64_t findings = 0;
	json_t *lines = json_array();
	int rc = reader.verify(reader.ctx, lines, say_finding, &findings, &err);
	reader.close(reader.ctx);
	if (rc != 0) {
		json_decref(lines);
		call_fail(call, rc, err.text);
		return;
	}
	call_json(call, json_pack("{s:b, s:I, s:o}", "sound", findings == 0, "findings", (json_int_t)findings,
							  "lines", lines));
}
