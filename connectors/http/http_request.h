/* One attempt of the http connector, and the requests that it makes of the settings. */
#ifndef ALMONER_CONNECTORS_HTTP_REQUEST_H
#define ALMONER_CONNECTORS_HTTP_REQUEST_H

#include "connectors/http/http_settings.h"
#include "connectors/kit/shell.h"

/* Which request was sent last: the next reply answers it. */
enum http_phase {
	HTTP_PHASE_START,       /* nothing is sent yet */
	HTTP_PHASE_READ_ETAG,   /* reads the record whose ETag the write needs */
	HTTP_PHASE_DO,          /* the main request */
	HTTP_PHASE_CONFIRM,     /* the look-up after the target said "exists already" */
	HTTP_PHASE_AFTER_RACE,  /* the look-up after a 412: another writer changed the record */
	HTTP_PHASE_LOOKUP,      /* the look-up of an attempt whose purpose is LOOKUP */
	HTTP_PHASE_UNDO_LOOKUP, /* the look-up that finds what an undo has to reverse */
	HTTP_PHASE_UNDO
};

struct http_attempt {
	struct kit_attempt kit;
	const struct http_settings *settings;
	enum http_phase phase;
	char key[36]; /* the key as a header value, with its quotes */
	/* the ETag of the record that was read; empty: the target has no such record */
	struct kit_text etag;
	unsigned precondition_failures; /* how often the target answered 412 */
	bool etag_changed;              /* a later read gave another ETag than the first one */
};

/* Renders a request of the settings and sends it; `phase` says what the reply will answer. Returns what
 * `next` has to return. An event that the templates cannot render ends the attempt. */
int http_request_send(struct http_attempt *a, const struct request_settings *r, enum http_phase phase);

#endif
