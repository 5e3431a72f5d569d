/* One attempt of the http connector, and the requests it makes of its settings. */
#ifndef ALMONER_CONNECTORS_HTTP_REQUEST_H
#define ALMONER_CONNECTORS_HTTP_REQUEST_H

#include "connectors/http/http_settings.h"
#include "connectors/kit/answer.h"

/* What the reply that comes next answers. */
enum http_phase {
	HTTP_PHASE_START,       /* nothing was sent yet */
	HTTP_PHASE_READ_ETAG,   /* the record whose ETag goes along */
	HTTP_PHASE_DO,          /* the main request */
	HTTP_PHASE_CONFIRM,     /* the look-up after "exists already" */
	HTTP_PHASE_AFTER_RACE,  /* the look-up after somebody wrote meanwhile */
	HTTP_PHASE_LOOKUP,      /* a look-up for its own sake */
	HTTP_PHASE_UNDO_LOOKUP, /* the look-up of what an undo is to reverse */
	HTTP_PHASE_UNDO
};

struct http_attempt {
	const struct http_settings *settings;
	struct kit_context context;
	struct kit_answer answer;
	enum http_phase phase;
	char key[36];
	struct kit_text etag; /* of what is there; empty: nothing is */
	unsigned precondition_failures;
	bool etag_changed; /* the ETag was another one when it was read again */
};

/* Renders address, headers and body into a->answer; what needs no rendering is left to the caller. `keyed`:
 * the step's key goes along. */
bool http_request_make(struct http_attempt *a, const struct request_settings *r, bool keyed,
					   struct kit_problem *problem);

#endif
