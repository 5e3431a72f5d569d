/* One request as the pure part of intake sees it, without libmicrohttpd. All texts are borrowed. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_REQUEST_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_REQUEST_H

#include <stdint.h>

#include "saga/base/buf.h"

struct intake_request {
	struct str body;
	void *headers_ctx;
	/* The value of a header, whose name is compared without regard to case; NULL: absent. The function
	 * itself may be NULL: no headers. */
	const char *(*header)(void *ctx, const char *name);
	const char *url; /* the URL that the sender used, for signatures that cover it; NULL: unknown */
	int64_t now_ms;  /* the time of arrival by the steady clock of saga/base/clock.h */
	int64_t wall_ms; /* the time of arrival by the wall clock, for the tolerance of a signature's time */
};

/* Gives the value of a header; NULL if the header is absent or `name` is NULL. */
const char *request_header(const struct intake_request *request, const char *name);

#endif
