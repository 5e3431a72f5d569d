/* Is this request from its platform? Declarative, as `struct config_verify` says; raw bytes, constant time,
 * every secret against every signature. Outward there is only yes or no; the reason is for `source try` and
 * the log. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_VERIFY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_VERIFY_H

#include <stdbool.h>

#include "config/config.h"
#include "gateway/intake/pipeline/mac.h"
#include "gateway/intake/pipeline/request.h"
#include "saga/base/err.h"

enum verify_verdict {
	VERIFY_OK,
	VERIFY_MISSING,   /* the header, element or member that carries the proof is not there */
	VERIFY_MALFORMED, /* it is there but has not the declared form */
	VERIFY_TOO_OLD,   /* signed rightly, but outside the tolerance: before … */
	VERIFY_TOO_NEW,   /* … or after now */
	VERIFY_WRONG      /* no secret fits */
};
const char *verify_verdict_text(enum verify_verdict v);

/* Compiled once per snapshot; immutable, Thread: any. Borrows config and secrets. */
struct verifier;

/* ERR_INVALID: a secret that its key form does not fit (bad base64), an empty template. */
int verify_create(const struct config_verify *config, const struct config_secret *secrets,
				  size_t secret_count, struct verifier **ret, struct err *err) MUST_CHECK;
void verify_destroy(struct verifier *v);

/* Which headers the verdict VERIFY_OK rests on. A sender may add others: nothing is taken from those. */
struct verify_proof {
	size_t prefix; /* index in header_prefixes; 0 also when there are none */
	bool signs_id;
	struct str id; /* what was signed as the id, with signs_id; borrowed from the request */
};
/* `request->wall_ms` is the wall clock. `ret_proof` (or NULL) is filled with VERIFY_OK. */
enum verify_verdict verify_request_proof(const struct verifier *v, const struct intake_request *request,
										 struct verify_proof *ret_proof);
/* Only the verdict. */
enum verify_verdict verify_request(const struct verifier *v, const struct intake_request *request);
/* The header `name` in the form of that prefix (webhook-id → svix-id), or NULL. */
const char *verify_header(const struct config_verify *config, size_t prefix,
						  const struct intake_request *request, const char *name);

/* What goes into the signed string. */
struct verify_signed {
	struct str id;
	struct str timestamp;
	const char *url; /* NULL: none */
	struct str body;
};
/* The MAC of one secret (index below the count given to verify_create), for signing as the platform does.
 * Gives its length. HMAC schemes only. */
size_t verify_mac(const struct verifier *v, size_t secret, const struct verify_signed *signed_with,
				  uint8_t out[MAC_BYTES_MAX]);

#endif
