/* Requests that were answered 401, kept for a while if the source's option `keep_refused` says so.
 * Otherwise a wrong secret would lose the gifts of a platform that sends each event only once. When the
 * operator has fixed the secret, the kept requests are verified again, with the time at which they came
 * (gateway/daemon/replay.c). */
#ifndef ALMONER_GATEWAY_INTAKE_REJECTED_H
#define ALMONER_GATEWAY_INTAKE_REJECTED_H

#include <stdbool.h>
#include <stddef.h>

#include "saga/base/buf.h"
#include "saga/base/check.h"

struct server_request;
struct intake_request;

/* Hands the request to the journal if its source keeps such requests and has not kept too many in this
 * second. The answer to the sender does not wait for that. `r` must have a source. */
void rejected_keep(struct server_request *r, const struct intake_request *request);

/* ---- the headers of a kept request, as the journal stores them ---- */

struct rejected_headers {
	char *text; /* owned; all names and values */
	struct rejected_header {
		const char *name;
		const char *value;
	} *items; /* the headers, owned, in the order in which they came */
	size_t count;
};
/* Decodes the stored headers of a kept request. ERR_CORRUPT: the bytes are no headers; *ret is then empty. */
int rejected_unpack(struct str packed, struct rejected_headers *ret) MUST_CHECK;
void rejected_headers_finish(struct rejected_headers *h);
/* The function `header` of struct intake_request; `ctx` is the struct rejected_headers. */
const char *rejected_header(void *ctx, const char *name);

#endif
