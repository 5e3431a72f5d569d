#include "gateway/admin/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/json.h"

void admin_call_json(struct admin_call *call, json_t *value)
{
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
		return 503;
	default:
		return 500;
	}
}

void admin_call_fail(struct admin_call *call, int code, const char *text)
{
	call->reply->status = status_of(code);
	buf_clear(&call->reply->body);
	json_t *error = json_object();
	json_object_set_new(error, "error",
						admin_json_text(text != NULL && *text != '\0' ? text : err_code_text(code)));
	admin_call_json(call, error);
}

int64_t admin_call_saga_id(struct admin_call *call, unsigned index)
{
	char *end;
	errno = 0;
	long long id = strtoll(call->name[index], &end, 10);
	if (errno != 0 || *end != '\0' || id <= 0) {
		admin_call_fail(call, ERR_INVALID, "a saga is named by its number, as in `saga list`");
		return 0;
	}
	return id;
}

bool admin_call_open_reader(struct admin_call *call, struct store_reader *ret)
{
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
	return json_is_true(json_object_get(call->body, member));
}

int64_t admin_call_job_id(struct admin_call *call)
{
	char *end;
	errno = 0;
	long long id = strtoll(call->name[0], &end, 10);
	if (errno != 0 || *end != '\0' || id <= 0) {
		admin_call_fail(call, ERR_INVALID, "a job is named by its number, as in `job list`");
		return 0;
	}
	return id;
}

int admin_call_find_saga(const struct admin_call *call, struct store_reader *reader, int64_t *ret,
						 struct err *err)
{
	if (call->name[1] != NULL)
		return reader->saga_find(reader->ctx, call->name[0], call->name[1], ret, err);
	char *end;
	errno = 0;
	long long id = strtoll(call->name[0], &end, 10);
	if (errno != 0 || *end != '\0' || id <= 0)
		return err_set(err, ERR_INVALID, "name the event by its saga's number, or as SOURCE/EVENT_ID");
	*ret = id;
	return 0;
}

int admin_call_counts(struct admin_call *call, struct journal_counts *ret, struct err *err)
{
	if (call->api->journal != NULL) {
		journal_counts(call->api->journal, ret);
		return 0;
	}
	struct store_reader reader;
	int rc = call->api->open_reader(call->api->ctx, &reader, err);
	if (rc != 0)
		return rc;
	struct buf bytes = { 0 };
	rc = reader.counters(reader.ctx, &bytes, err);
	if (rc == 0)
		rc = journal_counts_decode(buf_str(&bytes), ret, err);
	buf_free(&bytes);
	reader.close(reader.ctx);
	return rc;
}
