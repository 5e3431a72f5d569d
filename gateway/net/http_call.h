/* A blocking HTTP call for the command line: to the admin socket, to intake, to the demo's receivers. The
 * daemon must not use it, because it blocks. Thread: any. */
#ifndef ALMONER_GATEWAY_NET_HTTP_CALL_H
#define ALMONER_GATEWAY_NET_HTTP_CALL_H

#include "saga/base/buf.h"
#include "saga/base/err.h"

struct http_call {
	const char *socket_path; /* a unix socket; NULL: TCP */
	const char *method;
	const char *url;
	struct str body;            /* p NULL: none */
	const char *const *headers; /* "Name: value"; NULL: none */
	size_t header_count;
	int64_t timeout_ms; /* of the whole call; 0: none */
	void *line_ctx;
	/* Gets each line of the answer, without its line end. A result other than 0 ends the call, which then
	 * still returns 0. NULL: the answer is dropped. */
	int (*line)(void *line_ctx, struct str text);
};

/* *ret_status is the HTTP status, 0 when none came; it is set also after an error. ERR_CLOSED: no program
 * listens there. ERR_IO: the connection broke. ERR_TOO_BIG: a line of more than 64 MiB. All members of
 * `call` are borrowed. */
int http_call(const struct http_call *call, unsigned *ret_status, struct err *err) MUST_CHECK;

#endif
