/* Signing as a platform does: the other side of verify.h, for `send`, the demo and tests. */
#ifndef ALMONER_INTAKE_SIGN_H
#define ALMONER_INTAKE_SIGN_H

#include "config/config.h"
#include "saga/base/err.h"

#define SIGN_HEADERS_MAX 4

struct sign_headers {
	size_t count;
	char *lines[SIGN_HEADERS_MAX]; /* "Name: value" */
};

/* Headers that make `body` pass this source's verification with its first secret. `id`: the event id where
 * the scheme or the preset carries it in a header. ERR_INVALID: no secret, or a token that stands in the body
 * (write it there). */
int sign_request(const struct config_source *source, struct str body, const char *id, int64_t wall_ms,
				 const char *url, struct sign_headers *ret, struct err *err) MUST_CHECK;
void sign_headers_finish(struct sign_headers *h);

#endif
