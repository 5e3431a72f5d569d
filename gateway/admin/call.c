#include "gateway/admin/call.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/json.h"

/* ---- replies ---- */

void admin_call_json(struct admin_call *call, json_t *value)
{
	assert(value != NULL);
	assert(call->reply->more == NULL); /* a stream writes its own pieces */
	admin_json_line(&call->reply->body, value);
}

static unsigned status_of(int code)
{
	switch (code) {
	case ERR_NOT_FOUND:
		return 404;
	case ERR_REFUSED:
	case ERR_BUSY:
	case ERR_STALE:
		return 409;
	case ERR_INVALID:
	case ERR_TOO_BIG:
		return 400;
	case ERR_FULL:
	case ERR_CLOSED:
	case ERR_LOST:
		return 503;
	default:
		return 500;
	}
}

void admin_call_fail(struct admin_call *call, int code, const char *text)
{
	assert(code < 0);
	assert(call->reply->more == NULL);
	call->reply->status = status_of(code);
	buf_clear(&call->reply->body);
	json_t *error = json_object();
	json_object_set_new(error, "error",
						admin_json_text(text != NULL && *text != '\0' ? text : err_code_text(code)));
	admin_call_json(call, error);
}

void admin_call_stream(struct admin_call *call, void *stream, int (*more)(void *, struct buf *, struct err *),
					   void (*stream_free)(void *))
{
	assert(stream != NULL && more != NULL && stream_free != NULL);
	assert(call->reply->more == NULL && call->reply->body.len == 0);
	call->reply->stream = stream;
	call->reply->more = more;
	call->reply->stream_free = stream_free;
}

/* ---- names in the path ---- */

int64_t admin_call_parse_id(const char *text)
{
	assert(text != NULL);
	char *end;
	errno = 0;
	long long id = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && id > 0 ? id : 0;
}

int64_t admin_call_saga_id(struct admin_call *call)
{
	int64_t id = admin_call_parse_id(call->name[0]);
	if (id == 0)
		admin_call_fail(call, ERR_INVALID, "a saga is named by its number: `saga list` prints it");
	return id;
}

int64_t admin_call_job_id(struct admin_call *call)
{
	int64_t id = admin_call_parse_id(call->name[0]);
	if (id == 0)
		admin_call_fail(call, ERR_INVALID, "a job is named by its number: `job list` prints it");
	return id;
}

static int find_saga(const struct admin_call *call, struct store_reader *reader, int64_t *ret,
					 struct err *err)
{
	if (call->name[1] != NULL)
		return reader->saga_find(reader->ctx, call->name[0], call->name[1], ret, err);
	*ret = admin_call_parse_id(call->name[0]);
	return *ret != 0
			   ? 0
			   : err_set(err, ERR_INVALID, "name the event by the number of its saga, or as SOURCE/EVENT_ID");
}

struct event *admin_call_event(struct admin_call *call, int64_t *ret_saga)
{
	assert(call->name[0] != NULL);
	struct store_reader reader;
	if (!admin_call_open_reader(call, &reader))
		return NULL;
	struct err err = { 0 };
	struct event *event = NULL;
	int rc = find_saga(call, &reader, ret_saga, &err);
	if (rc == 0)
		rc = reader.event_get(reader.ctx, *ret_saga, &event, &err);
	reader.close(reader.ctx);
	if (rc != 0)
		admin_call_fail(call, rc, rc == ERR_NOT_FOUND ? "there is no such event" : err.text);
	return rc == 0 ? event : NULL;
}

/* ---- the store and the body ---- */

bool admin_call_open_reader(struct admin_call *call, struct store_reader *ret)
{
	assert(ret != NULL);
	struct err err = { 0 };
	int rc = call->api->open_reader(call->api->ctx, ret, &err);
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	return rc == 0;
}

const char *admin_call_note(const struct admin_call *call)
{
	const char *note = json_string_value(json_object_get(call->body, "reason"));
	return note != NULL ? note : "";
}

bool admin_call_flag(const struct admin_call *call, const char *member)
{
	assert(*member != '\0');
	return json_is_true(json_object_get(call->body, member));
}

int admin_call_counts(struct admin_call *call, struct journal_counts *ret, struct err *err)
{
	assert(ret != NULL);
	if (call->api->figures != NULL && call->api->figures(call->api->ctx, ret))
		return 0;
	struct store_reader reader;
	int rc = call->api->open_reader(call->api->ctx, &reader, err);
	if (rc != 0)
		return rc;
	rc = journal_counts_read(&reader, ret, err);
	reader.close(reader.ctx);
	return rc;
}
