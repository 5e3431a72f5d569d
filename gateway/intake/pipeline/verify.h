/* Does a request come from the platform it claims? `struct config_verify` declares how a platform signs.
 * The raw bytes are checked, in constant time, every secret against every signature. The sender learns
 * only yes or no; the verdict is for `source try` and the log. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_VERIFY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_VERIFY_H

#include <stdbool.h>

#include "config/config.h"
#include "gateway/intake/pipeline/mac.h"
#include "gateway/intake/pipeline/request.h"
#include "saga/base/err.h"

enum verify_verdict {
	VERIFY_OK,
	VERIFY_MISSING,   /* the header, element or member that carries the proof is absent */
	VERIFY_MALFORMED, /* the proof does not have the declared form */
	VERIFY_TOO_OLD,   /* the signature is right, but older than the tolerance allows */
	VERIFY_TOO_NEW,   /* the signature is right, but further in the future than the tolerance allows */
	VERIFY_WRONG      /* no secret matches */
};
/* For operators. */
const char *verify_verdict_text(enum verify_verdict v);

/* Made once for each configuration snapshot; immutable. Borrows `config` and the texts in it. */
struct verifier;

/* ERR_INVALID: a secret does not have the declared form (bad base64), is empty, or the template of the signed
 * string is empty or has too many parts. */
int verify_create(const struct config_verify *config, const struct config_secret *secrets,
				  size_t secret_count, struct verifier **ret, struct err *err) MUST_CHECK;
void verify_destroy(struct verifier *v); /* accepts NULL; overwrites the keys */

/* The headers that the verdict VERIFY_OK rests on. A sender may add other headers; they must not be
 * trusted. */
struct verify_proof {
	size_t prefix; /* index in config->header_prefixes; 0 also when there are no prefixes */
	bool signs_id;
	struct str id; /* the signed id, if signs_id; borrowed from the request */
};
/* Verifies a request. `ret_proof` (or NULL) is filled only if the verdict is VERIFY_OK. */
enum verify_verdict verify_request_proof(const struct verifier *v, const struct intake_request *request,
										 struct verify_proof *ret_proof);
/* Verifies a request like verify_request_proof, but gives only the verdict. */
enum verify_verdict verify_request(const struct verifier *v, const struct intake_request *request);
/* The value of the header `name` with its prefix exchanged ("webhook-id" becomes "svix-id"); NULL: absent. */
const char *verify_header(const struct config_verify *config, size_t prefix,
						  const struct intake_request *request, const char *name);

/* The values for the placeholders of the signed string. */
struct verify_signed {
	struct str id;
	struct str timestamp;
	const char *url; /* NULL: empty */
	struct str body;
};
/* Writes the MAC that the platform would send, with the secret of that index (below the count given to
 * verify_create), and returns its length. HMAC schemes only. */
size_t verify_mac(const struct verifier *v, size_t secret, const struct verify_signed *signed_with,
				  uint8_t out[MAC_BYTES_MAX]);

#endif
