/* One attempt of the http connector, and the requests it makes of its settings. */
#ifndef ALMONER_CONNECTORS_HTTP_REQUEST_H
#define ALMONER_CONNECTORS_HTTP_REQUEST_H

#include "connectors/http/http_settings.h"
#include "connectors/kit/answer.h"

/* What the reply that comes next answers. */
enum phase {
	PHASE_BEGUN,        /* nothing was sent yet */
	PHASE_READING,      /* the record whose ETag goes along */
	PHASE_DOING,        /* the main request */
	PHASE_CONFIRMING,   /* the look-up after "exists already" */
	PHASE_RACED,        /* the look-up after somebody wrote meanwhile */
	PHASE_LOOKING,      /* a look-up for its own sake */
	PHASE_LOOKING_BACK, /* the look-up of what an undo is to reverse */
	PHASE_UNDOING
};

struct attempt {
	const struct http_settings *settings;
	struct context context;
	struct answer answer;
	enum phase phase;
	char key[36];
	struct text etag; /* of what is there; empty: nothing is */
	unsigned refusals;
	bool changing; /* the ETag was another one when it was read again */
};

/* Renders address, headers and body into a->answer; what needs no rendering is left to the caller. `keyed`:
 * the step's key goes along. */
bool request_make(struct attempt *a, const struct request *r, bool keyed, struct problem *problem);

#endif
