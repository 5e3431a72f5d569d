/* Signs a request as a platform does, so that verify.h accepts it: for `almoner send`, the demo and tests. */
#ifndef ALMONER_GATEWAY_INTAKE_SIGN_H
#define ALMONER_GATEWAY_INTAKE_SIGN_H

#include "config/config.h"
#include "saga/base/err.h"

/* Headers of one request: signature, timestamp, id, and the event id of the preset. */
#define SIGN_HEADERS_MAX 4

struct sign_headers {
	size_t count;
	char *lines[SIGN_HEADERS_MAX]; /* "Name: value"; owned */
};

/* Makes the headers with which `body` passes the verification of this source, with its first secret. `id`:
 * the event id, for schemes and presets that send it in a header. `url`: for signatures that cover it; may
 * be NULL. ERR_INVALID: the source has no secret, or its token is in the body, where the caller must write
 * it. Call sign_headers_finish also after an error. */
int sign_request(const struct config_source *source, struct str body, const char *id, int64_t wall_ms,
				 const char *url, struct sign_headers *ret, struct err *err) MUST_CHECK;
/* Frees the lines and leaves *h empty. */
void sign_headers_finish(struct sign_headers *h);

#endif
