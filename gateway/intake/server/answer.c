#include "gateway/intake/server/answer.h"

#include <stdio.h>

/* Retry-After, in seconds, when the journal could not take the event. Chosen; no measurement. */
#define RETRY_FULL_S 5

struct intake_answer answer_error(unsigned status, const char *message)
{
	assert(status >= 400 && status < 600);
	struct intake_answer a = { .status = status };
	snprintf(a.body, sizeof a.body, "{\"error\":\"%s\"}", message);
	return a;
}

struct intake_answer answer_busy(unsigned retry_after_s, const char *message)
{
	struct intake_answer a = answer_error(503, message);
	a.retry_after_s = retry_after_s;
	return a;
}

struct intake_answer answer_of(const struct accept_result *result, unsigned accepted)
{
	if (result->code != 0)
		return answer_busy(RETRY_FULL_S, "not recorded, send it again");
	struct intake_answer a = { .status = result->duplicate ? 200 : accepted };
	char saga[24] = "null";
	if (result->saga != 0)
		snprintf(saga, sizeof saga, "%lld", (long long)result->saga);
	snprintf(a.body, sizeof a.body, "{\"saga\":%s%s%s%s%s%s}", saga,
			 result->related ? ",\"related\":true" : "", result->duplicate ? ",\"duplicate\":true" : "",
			 result->differs ? ",\"differs\":true" : "", result->unrouted ? ",\"unrouted\":true" : "",
			 result->quarantined ? ",\"quarantined\":true" : "");
	return a;
}
