/* What a handler of the admin API gets, and its helpers. Private to the room. */
#ifndef ALMONER_ADMIN_CALL_H
#define ALMONER_ADMIN_CALL_H

#include "gateway/admin/api.h"
#include "gateway/admin/query.h"
#include "saga/journal/figures.h"

struct admin_call {
	const struct api_context *api;
	const struct api_request *request;
	struct query_string query;
	json_t *body;  /* object, or NULL */
	char *name[2]; /* what stood in the path for {…} */
	struct api_reply *reply;
};

typedef void admin_call_handler(struct admin_call *call);

/* {"error": …}; ERR_NOT_FOUND → 404, ERR_REFUSED and ERR_BUSY → 409, ERR_INVALID → 400, ERR_FULL, ERR_CLOSED
 * → 503. */
void admin_call_fail(struct admin_call *call, int code, const char *text);
/* The reply is this object; takes the reference. */
void admin_call_json(struct admin_call *call, json_t *value);
/* The saga id in name[index], or 0 after having failed the call. */
int64_t admin_call_saga_id(struct admin_call *call, unsigned index);
int64_t admin_call_job_id(struct admin_call *call);
/* Events are named by saga id, or by source and the sender's event id. ERR_NOT_FOUND, ERR_INVALID. */
int admin_call_find_saga(const struct admin_call *call, struct store_reader *reader, int64_t *ret,
						 struct err *err) MUST_CHECK;
/* Reader of one call; false after having failed it. */
bool admin_call_open_reader(struct admin_call *call, struct store_reader *ret);
/* The kept figures: the journal's, or without a daemon the store's. Free with journal_counts_finish. */
int admin_call_counts(struct admin_call *call, struct journal_counts *ret, struct err *err) MUST_CHECK;
/* "reason" of the body, "" when absent. Borrowed. */
const char *admin_call_note(const struct admin_call *call);
bool admin_call_flag(const struct admin_call *call, const char *member);

#endif
