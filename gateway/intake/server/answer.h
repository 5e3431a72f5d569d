/* What a request is answered: status and JSON body, as one value. Pure. */
#ifndef ALMONER_GATEWAY_INTAKE_SERVER_ANSWER_H
#define ALMONER_GATEWAY_INTAKE_SERVER_ANSWER_H

#include "saga/journal/intake_port.h"

struct intake_answer {
	unsigned status;
	unsigned retry_after_s; /* 0: not said */
	const char *allow;      /* for 405; NULL otherwise */
	char body[160];
};

/* After the commit. `accepted` is the status for what was taken: 202, or 200 where a source says so. */
struct intake_answer answer_of(const struct accept_result *result, unsigned accepted);
/* {"error":"…"}; `words` is a fixed text of ours. */
struct intake_answer answer_error(unsigned status, const char *message);
struct intake_answer answer_busy(unsigned retry_after_s, const char *message);

#endif
