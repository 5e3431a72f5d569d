/* What a request is answered: status and JSON body, as one value. Pure. */
#ifndef ALMONER_INTAKE_ANSWER_H
#define ALMONER_INTAKE_ANSWER_H

#include "saga/journal/journal.h"

struct answer {
	unsigned status;
	unsigned retry_after_s; /* 0: not said */
	const char *allow;      /* for 405; NULL otherwise */
	char body[160];
};

/* After the commit. `accepted` is the status for what was taken: 202, or 200 where a source says so. */
struct answer answer_of(const struct accept_result *result, unsigned accepted);
/* {"error":"…"}; `words` is a fixed text of ours. */
struct answer answer_error(unsigned status, const char *words);
struct answer answer_busy(unsigned retry_after_s, const char *words);

#endif
