#include "gateway/admin/api.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/call.h"
#include "gateway/admin/verbs/act.h"
#include "gateway/admin/views/views.h"
#include "saga/base/mem.h"

/* The longest "reason". Chosen, no measurement: it is kept in the log for ever. */
#define NOTE_BYTES_MAX 2000

static admin_call_handler view_routes;

/* The table of all routes. {} in a pattern stands for one part of the path, of which there are two at most.
 * The first route that fits the path and the method is taken. */
static const struct api_route {
	const char *method;
	const char *pattern;
	admin_call_handler *handler;
	bool needs_daemon; /* the route changes something, which only the journal of a running daemon can do */
	const char *help;
} routes[] = {
	{ "GET", "/v1", view_routes, false, "the routes: method, path and help, one per line" },
	{ "GET", "/v1/status", view_status, false, "counters, targets and the daemon's own figures" },
	{ "GET", "/v1/sagas", view_sagas, false,
	  "the sagas that match the filters, newest first, one per line; `before`: below this id or `cursor`" },
	{ "GET", "/v1/sagas/count", view_saga_count, false, "the number of sagas that match the filters" },
	{ "GET", "/v1/sagas/{}", view_saga, false,
	  "one saga with its log (newest record last) and its related events" },
	{ "POST", "/v1/sagas/{}/{}", act_saga, true, "a verb on a saga or on one of its steps" },
	{ "POST", "/v1/bulk/{}", act_bulk, true,
	  "a verb on all sagas that match, as a job: one line per saga, or with \"wait\": false the job" },
	{ "GET", "/v1/jobs", view_jobs, false,
	  "bulk verbs, newest first, one job per line; `before`: below this id or `cursor`" },
	{ "GET", "/v1/jobs/{}", view_job, false, "one job with its progress" },
	{ "GET", "/v1/jobs/{}/lines", view_job_lines, false,
	  "follow a job: one line per saga, then its summary" },
	{ "POST", "/v1/jobs/{}/{}", act_job, true, "cancel a job; the sagas that it has changed stay changed" },
	{ "GET", "/v1/events/{}", view_event, false,
	  "an event as received and as mapped, by the id of its saga" },
	{ "GET", "/v1/events/{}/{}", view_event, false,
	  "an event as received and as mapped, by source and the sender's event id" },
	{ "POST", "/v1/reprocess/{}", act_reprocess, true,
	  "map a quarantined event again, by the id of its saga" },
	{ "POST", "/v1/reprocess/{}/{}", act_reprocess, true,
	  "map a quarantined event again, by source and the sender's event id" },
	{ "GET", "/v1/refused", view_rejected, false,
	  "stored requests that were refused with 401, oldest first, one per line; `after` as for the log" },
	{ "GET", "/v1/refused/{}", view_rejected_one, false, "one stored request as it was received" },
	{ "POST", "/v1/refused/replay", act_replay, true,
	  "verify stored requests with the current secrets and accept those that pass, one line per request" },
	{ "GET", "/v1/targets", view_targets, false, "all targets, one per line" },
	{ "POST", "/v1/targets/{}/{}", act_target, true, "pause or resume a target" },
	{ "GET", "/v1/backlog", view_backlog, false, "waiting steps by target and age, one target per line" },
	{ "GET", "/v1/log", view_log, false,
	  "the log records after the position `after` (`seq` or `cursor`), one per line" },
	{ "GET", "/v1/verify", view_verify, false,
	  "checks the log's chain, gaps and digests, and runs the check of the database" },
};
#define ROUTE_COUNT (sizeof routes / sizeof routes[0])

static void view_routes(struct admin_call *call)
{
	for (size_t i = 0; i < ROUTE_COUNT; i++)
		admin_call_json(call, json_pack("{s:s, s:s, s:s}", "method", routes[i].method, "path",
										routes[i].pattern, "help", routes[i].help));
}

/* ---- routing ---- */

/* Does the path fit the pattern? Copies the parts that stand for {} into `names`, still percent-encoded; they
 * may be left over from a pattern that did not fit. */
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

/* Decodes the names as if they were values of a query, so that the same bytes are refused. */
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
					   call->body == NULL ? at.text : "the text is another type of JSON value");
	const json_t *note = json_object_get(call->body, "reason");
	if (note != NULL && !json_is_string(note))
		return err_set(err, ERR_INVALID, "\"reason\" must be a text");
	if (json_string_length(note) > NOTE_BYTES_MAX)
		return err_set(err, ERR_INVALID, "the reason is longer than %d bytes", NOTE_BYTES_MAX);
	return 0;
}

/* Decodes the request, then calls the handler. */
static void run_handler(struct admin_call *call, const struct api_route *route)
{
	struct err err = { 0 };
	int rc = query_parse(call->request->query, &call->query, &err);
	if (rc == 0)
		rc = decode_names(call, &err);
	if (rc == 0)
		rc = parse_body(call, &err);
	if (rc == 0 && route->needs_daemon && call->api->command == NULL)
		rc = err_set(&err, ERR_CLOSED, "changes need a running daemon: start it with `almoner serve`");
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	else
		route->handler(call);
}

/* A path that fits a route, but not its method, gets the status 405. */
void api_handle(const struct api_context *api, const struct api_request *request, struct api_reply *ret)
{
	assert(request->query != NULL && request->actor != NULL);
	assert(api->jobs == NULL || api->command != NULL); /* the jobs thread runs commands */
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
						path_known ? "this path does not accept this method" : "no such path");
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
	assert((reply->more == NULL) == (reply->stream_free == NULL));
	if (reply->stream_free != NULL)
		reply->stream_free(reply->stream);
	buf_free(&reply->body);
	*reply = (struct api_reply){ 0 };
}
