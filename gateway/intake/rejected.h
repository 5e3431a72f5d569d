/* Requests answered 401, kept for a while where the source wants it (keep_rejected): a wrong secret on a
 * platform that sends once would lose every donor it speaks of. Once the secret is right they are judged
 * again, by the time at which they came. */
#ifndef ALMONER_GATEWAY_INTAKE_REJECTED_H
#define ALMONER_GATEWAY_INTAKE_REJECTED_H

#include <stdbool.h>
#include <stddef.h>

#include "saga/base/buf.h"
#include "saga/base/check.h"

struct server_request;
struct intake_request;

/* Gives it to the log when the source keeps such requests, and not too much came this second. The answer does
 * not wait for it. */
void rejected_keep(struct server_request *r, const struct intake_request *request);

/* ---- what was kept: headers as they came, names and values one after the other ---- */

struct rejected_headers {
	char *text; /* owned */
	struct rejected_header {
		const char *name;
		const char *value;
	} *items; /* owned */
	size_t count;
};
/* ERR_CORRUPT for bytes that are no headers. */
int rejected_unpack(struct str packed, struct rejected_headers *ret) MUST_CHECK;
void rejected_headers_finish(struct rejected_headers *h);
/* As struct intake_request wants it; `ctx` is the struct rejected_headers. */
const char *rejected_header(void *ctx, const char *name);

#endif
