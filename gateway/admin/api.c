#include "gateway/admin/api.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/admin/call.h"
#include "gateway/admin/verbs/act.h"
#include "gateway/admin/views/views.h"
#include "saga/base/mem.h"

#define NOTE_BYTES_MAX 2000

static admin_call_handler view_routes;

/* {} in a pattern stands for one part of the path. */
static const struct api_route {
	const char *method;
	const char *pattern;
	admin_call_handler *handler;
	bool needs_daemon;
	const char *help;
} routes[] = {
	{ "GET", "/v1", view_routes, false, "what there is: method, path and help, one a line" },
	{ "GET", "/v1/status", view_status, false, "counters, targets and the daemon's own figures" },
	{ "GET", "/v1/sagas", view_sagas, false, "the sagas that match the filters, newest first, one a line" },
	{ "GET", "/v1/sagas/count", view_saga_count, false, "how many match" },
	{ "GET", "/v1/sagas/{}", view_saga, false, "one saga with its log, newest record last" },
	{ "POST", "/v1/sagas/{}/{}", act_saga, true, "a verb on a saga or one of its steps" },
	{ "POST", "/v1/bulk/{}", act_bulk, true,
	  "a verb on all sagas that match, as a job; one line a saga, or with \"wait\": false the job" },
	{ "GET", "/v1/jobs", view_jobs, false, "verbs in bulk, newest first, one job a line" },
	{ "GET", "/v1/jobs/{}", view_job, false, "one job: how far it has come" },
	{ "GET", "/v1/jobs/{}/lines", view_job_lines, false, "follow a job: a line a saga, then its summary" },
	{ "POST", "/v1/jobs/{}/{}", act_job, true, "cancel a job; what it has moved stays moved" },
	{ "GET", "/v1/events/{}", view_event, false, "an event as received and as mapped, by saga id" },
	{ "GET", "/v1/events/{}/{}", view_event, false, "the same by source and the sender's event id" },
	{ "POST", "/v1/reprocess/{}", act_reprocess, true, "map a quarantined event again, by saga id" },
	{ "POST", "/v1/reprocess/{}/{}", act_reprocess, true, "the same by source and the sender's event id" },
	{ "GET", "/v1/refused", view_rejected, false, "requests refused with 401 that are kept, oldest first" },
	{ "GET", "/v1/refused/{}", view_rejected_one, false, "one of them as it came" },
	{ "POST", "/v1/refused/replay", act_replay, true,
	  "take in those that today's secrets fit, one line a request" },
	{ "GET", "/v1/targets", view_targets, false, "all targets, one a line" },
	{ "POST", "/v1/targets/{}/{}", act_target, true, "pause or resume a target" },
	{ "GET", "/v1/backlog", view_backlog, false, "waiting steps by target and age, one target a line" },
	{ "GET", "/v1/log", view_log, false, "log records above `after`, one a line" },
	{ "GET", "/v1/verify", view_verify, false, "chain, gaps, digests and the database's own check" },
};
#define ROUTE_COUNT (sizeof routes / sizeof routes[0])

static void view_routes(struct admin_call *call)
{
	for (size_t i = 0; i < ROUTE_COUNT; i++)
		admin_call_json(call, json_pack("{s:s, s:s, s:s}", "method", routes[i].method, "path",
										routes[i].pattern, "help", routes[i].help));
}

/* ---- routing ---- */

/* Does the path fit? Copies the parts that stand for {} into `names`. */
static bool route_fits(const char *pattern, const char *path, char *names[2])
{
	unsigned found = 0;
	while (*pattern != '\0') {
		if (pattern[0] == '{') {
			size_t len = strcspn(path, "/");
			if (len == 0 || found == 2)
				return false;
			free(names[found]);
			names[found++] = mem_strndup(path, len);
			path += len;
			pattern += 2;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

static int decode_names(struct admin_call *call, struct err *err)
{
	for (unsigned i = 0; i < 2; i++) {
		if (call->name[i] == NULL)
			continue;
		char *as_query = mem_printf("n=%s", call->name[i]);
		struct query_string part;
		int rc = query_parse(as_query, &part, err);
		free(as_query);
		if (rc != 0)
			return rc;
		mem_set_text(&call->name[i], query_value(&part, "n"));
		query_finish(&part);
	}
	return 0;
}

static int parse_body(struct admin_call *call, struct err *err)
{
	if (call->request->body.len == 0)
		return 0;
	json_error_t at;
	call->body = json_loadb(call->request->body.p, call->request->body.len, JSON_REJECT_DUPLICATES, &at);
	if (call->body == NULL || !json_is_object(call->body))
		return err_set(err, ERR_INVALID, "the body is not a JSON object: %s",
					   call->body == NULL ? at.text : "it is of another type");
	const json_t *note = json_object_get(call->body, "reason");
	if (note != NULL && !json_is_string(note))
		return err_set(err, ERR_INVALID, "\"reason\" is not a text");
	if (json_string_length(note) > NOTE_BYTES_MAX)
		return err_set(err, ERR_INVALID, "the reason is longer than %d bytes", NOTE_BYTES_MAX);
	return 0;
}

static void run_handler(struct admin_call *call, const struct api_route *route)
{
	struct err err = { 0 };
	int rc = query_parse(call->request->query, &call->query, &err);
	if (rc == 0)
		rc = decode_names(call, &err);
	if (rc == 0)
		rc = parse_body(call, &err);
	if (rc == 0 && route->needs_daemon && call->api->journal == NULL)
		rc = err_set(&err, ERR_CLOSED,
					 "this changes something and needs the daemon: start it with `almoner serve`");
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	else
		route->handler(call);
}

void api_handle(const struct api_context *api, const struct api_request *request, struct api_reply *ret)
{
	*ret = (struct api_reply){ .status = 200 };
	struct admin_call call = { .api = api, .request = request, .reply = ret };
	const struct api_route *found = NULL;
	bool path_known = false;
	for (size_t i = 0; i < ROUTE_COUNT && found == NULL; i++) {
		if (!route_fits(routes[i].pattern, request->path, call.name))
			continue;
		path_known = true;
		if (strcmp(routes[i].method, request->method) == 0)
			found = &routes[i];
	}
	if (found != NULL) {
		run_handler(&call, found);
	} else {
		admin_call_fail(&call, path_known ? ERR_INVALID : ERR_NOT_FOUND,
						path_known ? "this path takes another method" : "no such path");
		if (path_known)
			ret->status = 405;
	}
	query_finish(&call.query);
	json_decref(call.body);
	free(call.name[0]);
	free(call.name[1]);
}

void api_reply_finish(struct api_reply *reply)
{
	if (reply->stream_free != NULL)
		reply->stream_free(reply->stream);
	buf_free(&reply->body);
	*reply = (struct api_reply){ 0 };
}
