/* What a handler of the admin API gets, and its helpers. Private to the room. */
#ifndef ALMONER_ADMIN_CALL_H
#define ALMONER_ADMIN_CALL_H

#include "gateway/admin/api.h"
#include "gateway/admin/query.h"

struct call {
	const struct api_context *api;
	const struct api_request *request;
	struct query query;
	json_t *body;  /* object, or NULL */
	char *name[2]; /* what stood in the path for {…} */
	struct api_reply *reply;
};

typedef void call_handler(struct call *call);

/* {"error": …}; ERR_NOT_FOUND → 404, ERR_REFUSED and ERR_BUSY → 409, ERR_INVALID → 400, ERR_FULL, ERR_CLOSED
 * → 503. */
void call_fail(struct call *call, int code, const char *text);
/* The reply is this object; takes the reference. */
void call_json(struct call *call, json_t *value);
/* The saga id in name[index], or 0 after having failed the call. */
int64_t call_saga_id(struct call *call, unsigned index);
/* Reader of one call; false after having failed it. */
bool call_open_reader(struct call *call, struct store_reader *ret);
/* The kept figures: the journal's, or without a daemon the store's. Free with journal_counts_finish. */
int call_counts(struct call *call, struct journal_counts *ret, struct err *err) MUST_CHECK;
/* "reason" of the body, "" when absent. Borrowed. */
const char *call_note(const struct call *call);
bool call_flag(const struct call *call, const char *member);

/* Handlers, one file each. */
call_handler view_status, view_sagas, view_saga_count, view_saga, view_event, view_log, view_targets,
	view_backlog, view_verify, view_jobs, view_job, view_job_lines, view_refused, view_refused_one;
call_handler act_saga, act_bulk, act_job, act_target, act_reprocess, act_replay;

#endif
