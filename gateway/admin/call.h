/* What a handler of the admin API gets (struct admin_call), and what handlers share. */
#ifndef ALMONER_GATEWAY_ADMIN_CALL_H
#define ALMONER_GATEWAY_ADMIN_CALL_H

#include "gateway/admin/api.h"
#include "gateway/admin/query.h"

struct admin_call {
	const struct api_context *api;
	const struct api_request *request;
	struct query_string query;
	json_t *body; /* the body of the request: an object, or NULL for an empty body */
	/* the decoded parts of the path for the {} of the route; NULL for a {} that the route does not have */
	char *name[2];
	struct api_reply *reply;
};

typedef void admin_call_handler(struct admin_call *call);

/* Replies {"error": TEXT}; NULL or "" as `text` takes the general text of `code`. The status is 404 for
 * ERR_NOT_FOUND; 409 for ERR_REFUSED, ERR_BUSY and ERR_STALE; 400 for ERR_INVALID and ERR_TOO_BIG; 503 for
 * ERR_FULL, ERR_CLOSED and ERR_LOST; else 500. */
void admin_call_fail(struct admin_call *call, int code, const char *text);
/* Appends an object to the reply as one line. Takes the reference. */
void admin_call_json(struct admin_call *call, json_t *value);
/* Makes the reply a stream; `stream`, `more` and `stream_free` are those of struct api_reply. */
void admin_call_stream(struct admin_call *call, void *stream, int (*more)(void *, struct buf *, struct err *),
					   void (*stream_free)(void *));
/* Reads a number from 1 on. Returns 0 if `text` is something else. */
int64_t admin_call_parse_id(const char *text);
/* The id in name[0]. Returns 0 after it replied with an error. */
int64_t admin_call_saga_id(struct admin_call *call);
int64_t admin_call_job_id(struct admin_call *call);
/* Reads the event that the path names, by saga id or by source and the sender's event id. Returns NULL after
 * it replied with an error. The caller calls event_unref. */
struct event *admin_call_event(struct admin_call *call, int64_t *ret_saga);
/* Opens a reader for this call, which the caller closes. Returns false after it replied with an error. */
bool admin_call_open_reader(struct admin_call *call, struct store_reader *ret);
/* The figures that every commit keeps: from the journal, or from the store while none is open here. The caller calls
 * journal_counts_finish. */
int admin_call_counts(struct admin_call *call, struct journal_counts *ret, struct err *err) MUST_CHECK;
/* "reason" of the body, or "". Borrowed. */
const char *admin_call_note(const struct admin_call *call);
/* Is the member of the body true? */
bool admin_call_flag(const struct admin_call *call, const char *member);

#endif
