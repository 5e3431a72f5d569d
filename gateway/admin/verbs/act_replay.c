/* POST /v1/refused/replay: verifies stored requests with the current secrets and accepts those that pass. The
 * answer has a line for each request, then a summary. */
#include <stdlib.h>

#include "gateway/admin/json.h"
#include "gateway/admin/verbs/act.h"
#include "gateway/admin/verbs/replay.h"
#include "saga/base/mem.h"

struct replay_stream {
	const struct api_context *api;
	struct store_reader reader;
	struct replay_call call;
	char *actor, *note;
	char *source; /* NULL: of all sources */
	int64_t *ids; /* the ids of the requests that the caller names; NULL: all requests of the source */
	size_t id_count, id_at;
	int64_t after;
	int64_t started_ms; /* requests that are received later are left out, or a busy sender would keep this
						   running */
	int64_t matched, accepted, duplicates, quarantined, rejected, failed;
};

/* A copy of one request, so that the reader's snapshot is closed while the event is committed. */
struct rejected_copy {
	int64_t wanted; /* the id that the caller names; 0: any, the next request is taken */
	bool found;
	struct rejected_row row;
	char *block;
};

/* Returns 1: one row is enough. */
static int copy_row(void *ctx, const struct rejected_row *row)
{
	struct rejected_copy *c = ctx;
	size_t bytes;
	c->row = store_rejected_copy(row, &c->block, &bytes);
	c->found = c->wanted == 0 || c->wanted == row->id;
	return 1;
}

static json_t *accept_json(const struct replay_stream *r, const struct accept_result *result)
{
	json_t *line = json_object();
	if (r->call.dry_run)
		return line;
	json_object_set_new(line, "saga", result->saga != 0 ? json_integer(result->saga) : json_null());
	json_object_set_new(line, "duplicate", json_boolean(result->duplicate));
	json_object_set_new(line, "related", json_boolean(result->related));
	json_object_set_new(line, "quarantined", json_boolean(result->quarantined));
	return line;
}

static json_t *failure_json(int rc)
{
	if (rc == 0)
		return json_null();
	return json_string(rc == ERR_REFUSED     ? "its signature is still not valid"
					   : rc == ERR_NOT_FOUND ? "its source is not in the configuration"
											 : err_code_text(rc));
}

/* Verifies one request and writes its line. An error here ends the whole replay: the daemon accepts nothing
 * now. */
static int replay_one(struct replay_stream *r, const struct rejected_row *row, struct buf *out,
					  struct err *err)
{
	struct accept_result result;
	int rc = r->api->replay(r->api->ctx, row, &r->call, &result);
	if (rc == ERR_FULL || rc == ERR_CLOSED || rc == ERR_IO || rc == ERR_LOST)
		return err_set(err, rc, "stopped after %lld accepted requests: the daemon accepts no more events now",
					   (long long)r->accepted);
	r->matched++;
	json_t *line = rc == 0 ? accept_json(r, &result) : json_object();
	if (rc == 0) {
		r->accepted++;
		r->duplicates += result.duplicate ? 1 : 0;
		r->quarantined += result.quarantined ? 1 : 0;
	} else if (rc == ERR_REFUSED) {
		r->rejected++;
	} else {
		r->failed++; /* the request's source is not configured, or the stored request is damaged */
	}
	json_object_set_new(line, "id", json_integer(row->id));
	json_object_set_new(line, "verified", json_boolean(rc == 0));
	json_object_set_new(line, "why", failure_json(rc));
	admin_json_line(out, line);
	return 0;
}

/* Copies the next request into *c; c->found is false for a named request that is no longer stored. *ret_more
 * is false at the end. */
static int replay_next(struct replay_stream *r, struct rejected_copy *c, bool *ret_more, struct err *err)
{
	int64_t next;
	bool named = r->ids != NULL;
	*ret_more = !named || r->id_at < r->id_count;
	if (!*ret_more)
		return 0;
	c->wanted = named ? r->ids[r->id_at++] : 0;
	int64_t after = named ? c->wanted - 1 : r->after;
	int rc = r->reader.rejected_list(r->reader.ctx, r->source, after, 1, c, copy_row, &next, err);
	if (rc != 0)
		return rc;
	if (named && !c->found) {
		r->matched++;
		r->failed++;
		return 0;
	}
	*ret_more = c->found && c->row.received_ms <= r->started_ms;
	r->after = c->found ? c->row.id : r->after;
	return 0;
}

static void replay_summary(const struct replay_stream *r, struct buf *out)
{
	admin_json_line(out, json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "done", 1, "dry_run",
								   r->call.dry_run, "matched", (json_int_t)r->matched, "accepted",
								   (json_int_t)r->accepted, "duplicates", (json_int_t)r->duplicates,
								   "quarantined", (json_int_t)r->quarantined, "refused",
								   (json_int_t)r->rejected, "failed", (json_int_t)r->failed));
}

/* Records in the log who accepted how many of the requests that had been refused. */
static void log_replay(const struct replay_stream *r)
{
	if (r->call.dry_run || r->accepted == 0)
		return;
	char *text AUTO_FREE = mem_printf(
		"%lld accepted, %lld of them duplicates; %lld still refused%s%s%s%s", (long long)r->accepted,
		(long long)r->duplicates, (long long)r->rejected, r->source != NULL ? "; source " : "",
		r->source != NULL ? r->source : "", *r->note != '\0' ? "; " : "", r->note);
	const struct command command = { .kind = COMMAND_RECORD,
									 .actor = r->actor,
									 .note = text,
									 .u.record = { .subject = SUBJECT_DAEMON, .text = "refused_replayed" } };
	(void)!r->api->command(r->api->ctx, &command);
}

static int replay_more(void *stream, struct buf *out, struct err *err)
{
	struct replay_stream *r = stream;
	struct rejected_copy c = { 0 };
	bool more = false;
	int rc = replay_next(r, &c, &more, err);
	if (rc == 0 && more && c.found)
		rc = replay_one(r, &c.row, out, err);
	free(c.block);
	if (rc == 0 && !more)
		replay_summary(r, out);
	return rc != 0 ? rc : more;
}

static void replay_free(void *stream)
{
	struct replay_stream *r = stream;
	/* the replay is recorded here, at the end of the stream, so that it is recorded also when the caller
	 * hangs up */
	log_replay(r);
	r->reader.close(r->reader.ctx);
	free(r->actor);
	free(r->note);
	free(r->source);
	free(r->ids);
	free(r);
}

static int take_ids(struct replay_stream *r, const json_t *ids, struct err *err)
{
	size_t i;
	json_t *id;
	if (ids == NULL)
		return 0;
	r->ids = mem_zalloc((json_array_size(ids) + 1) * sizeof *r->ids);
	json_array_foreach((json_t *)(uintptr_t)ids, i, id)
	{
		r->ids[r->id_count++] = json_integer_value(id);
		if (json_integer_value(id) <= 0)
			return err_set(err, ERR_INVALID, "\"ids\" must hold numbers of refused requests");
	}
	return 0;
}

void act_replay(struct admin_call *call)
{
	struct err err = { 0 };
	struct store_reader reader;
	const char *source = query_value(&call->query, "source");
	if (!admin_call_open_reader(call, &reader))
		return;
	struct replay_stream *r = mem_zalloc(sizeof *r);
	*r = (struct replay_stream){ .api = call->api,
								 .reader = reader,
								 .actor = mem_strdup(call->request->actor),
								 .note = mem_strdup(admin_call_note(call)),
								 .source = source != NULL ? mem_strdup(source) : NULL,
								 .started_ms = call->api->now_ms(call->api->ctx) };
	r->call = (struct replay_call){ r->actor, r->note, admin_call_flag(call, "dry_run") };
	int rc = query_check_names(&call->query, (const char *const[]){ "source", NULL }, &err);
	if (rc == 0)
		rc = take_ids(r, json_object_get(call->body, "ids"), &err);
	if (rc != 0) {
		admin_call_fail(call, rc, err.text);
		replay_free(r);
		return;
	}
	admin_call_stream(call, r, replay_more, replay_free);
}
