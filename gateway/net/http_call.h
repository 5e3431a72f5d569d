/* A blocking HTTP call for commands (never for the daemon): to the admin socket, to intake, to the demo's
 * receivers. */
#ifndef ALMONER_NET_HTTP_CALL_H
#define ALMONER_NET_HTTP_CALL_H

#include "saga/base/buf.h"
#include "saga/base/err.h"

struct http_call {
	const char *socket_path; /* a unix socket; NULL: TCP */
	const char *method;
	const char *url;
	struct str body;            /* p NULL: none */
	const char *const *headers; /* "Name: value"; NULL: none */
	size_t header_count;
	int64_t timeout_ms; /* 0: none */
	void *line_ctx;
	/* Each line of the answer without its end; nonzero breaks off (then 0 is returned all the same). NULL:
	 * dropped. */
	int (*line)(void *line_ctx, struct str text);
};

/* ERR_CLOSED: nobody listens there. ERR_IO: the answer broke off. ERR_TOO_BIG: a line over 64 MiB. */
int http_call(const struct http_call *call, unsigned *ret_status, struct err *err) MUST_CHECK;

#endif
