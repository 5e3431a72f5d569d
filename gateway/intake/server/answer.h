/* The answer to a request as one value: status, headers and JSON body. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_ANSWER_H
#define ALMONER_GATEWAY_INTAKE_SERVER_ANSWER_H

#include "saga/journal/intake_port.h"

struct intake_answer {
	unsigned status;
	unsigned retry_after_s; /* 0: no such header */
	const char *allow;      /* static; for 405, otherwise NULL */
	char body[160];
};

/* The answer after the commit. `accepted`: the status for a new event, 202, or 200 if the source's option
 * `answer` says so. */
struct intake_answer answer_of(const struct accept_result *result, unsigned accepted);
/* An answer with the body {"error":"…"}. `message` is not escaped: it must be a fixed text of this
 * program. */
struct intake_answer answer_error(unsigned status, const char *message);
/* An error answer with status 503 and the header Retry-After. `message` is not escaped: it must be a fixed
 * text. */
struct intake_answer answer_busy(unsigned retry_after_s, const char *message);

#endif
