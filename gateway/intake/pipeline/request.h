/* One request as the pure part of intake sees it. All texts are borrowed. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_REQUEST_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_REQUEST_H

#include <stdint.h>

#include "saga/base/buf.h"

struct intake_request {
	struct str body;
	void *headers_ctx;
	/* Value of a header, name without regard to case; NULL when absent. The function may be NULL: no headers.
	 */
	const char *(*header)(void *ctx, const char *name);
	const char *url; /* as the outside reached us, for {url}; NULL: unknown */
	int64_t now_ms;  /* steady clock */
	int64_t wall_ms; /* wall clock, for tolerances */
};

const char *request_header(const struct intake_request *request, const char *name); /* NULL when absent */

#endif
