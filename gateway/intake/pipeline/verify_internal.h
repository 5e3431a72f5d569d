/* Shared by the files that verify a request. In reading order: verifier.c (made once from the configuration),
 * claims.c (what the headers of a request claim), verify.c (is the claim true). */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_VERIFY_INTERNAL_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_VERIFY_INTERNAL_H

#include "gateway/intake/pipeline/verify.h"
#include "saga/base/digest.h"

/* Parts of the template of a signed string. The presets need 5 at most; chosen with a margin. */
#define PARTS_MAX 16
/* Signatures of one header that are looked at, so that a long header cannot cost unbounded work. Platforms
 * send one, or two while a secret is replaced. */
#define SIGNATURES_MAX 16

enum template_part_kind { TEMPLATE_TEXT, TEMPLATE_ID, TEMPLATE_TIMESTAMP, TEMPLATE_URL, TEMPLATE_BODY };

struct template_part {
	enum template_part_kind kind;
	struct str text; /* for TEMPLATE_TEXT; borrowed from the configuration */
};

struct verify_secret {
	char *key; /* the decoded key, as the scheme uses it; owned */
	size_t len;
	uint8_t digest
		/* digest of the key: tokens of any length are compared in constant time by their digests */
		[DIGEST_BYTES];
};

struct verifier {
	const struct config_verify *config;
	struct template_part parts[PARTS_MAX];
	size_t part_count;
	bool signs_time; /* the signed string contains the timestamp */
	bool signs_id;   /* the signed string contains the id */
	struct verify_secret *secrets;
	size_t secret_count;
};

/* What the headers of a request claim; texts are borrowed from the request. */
struct hmac_claims {
	/* the index of the prefix of the signature's header; other headers count only with the same prefix */
	size_t prefix;
	struct str id;
	struct str timestamp;
	bool has_timestamp;
	unsigned signature_count;
	uint8_t signatures[SIGNATURES_MAX][MAC_BYTES_MAX];
	bool malformed; /* the signature's header contains a signature that does not decode */
};

/* Reads the claims of an HMAC scheme. False: the header with the signature is missing. */
bool claims_read(const struct config_verify *config, const struct intake_request *request,
				 struct hmac_claims *claimed);
/* Gives `s` without white space at both ends. */
struct str claims_trim(struct str s);

#endif
