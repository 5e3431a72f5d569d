#include "gateway/intake/pipeline/verify.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "gateway/intake/pipeline/body.h"
#include "gateway/intake/pipeline/verify_internal.h"

const char *verify_verdict_text(enum verify_verdict v)
{
	static const char *const texts[] = {
		[VERIFY_OK] = "verified",
		[VERIFY_MISSING] = "the header or member with the signature or token is missing",
		[VERIFY_MALFORMED] = "the signature or token does not have the form that verify declares",
		[VERIFY_TOO_OLD] = "the signature matches, but the time that the request was signed is too long ago",
		[VERIFY_TOO_NEW] = ("the signature matches, but the request was signed in the future by this "
							"machine's clock: compare the clocks"),
		[VERIFY_WRONG] = "no secret of the source gives the signature of the request",
	};
	return texts[v];
}

/* ---- HMAC ---- */

static bool any_secret_matches(const struct verifier *v, const struct intake_request *request,
							   const struct hmac_claims *claimed)
{
	const struct verify_signed signed_with = { claimed->id, claimed->timestamp, request->url, request->body };
	/* Every MAC is compared with every claimed signature, also after a match, so that the time taken does
	 * not reveal which secret matched. */
	bool matches = false;
	for (size_t s = 0; s < v->secret_count; s++) {
		uint8_t mac[MAC_BYTES_MAX];
		size_t len = verify_mac(v, s, &signed_with, mac);
		for (unsigned i = 0; i < claimed->signature_count; i++)
			matches |= mac_equal(mac, claimed->signatures[i], len);
	}
	return matches;
}

/* Seconds since 1970 as decimal digits; false for any other text. */
static bool read_seconds(struct str text, int64_t *ret)
{
	int64_t value = 0;
	if (text.len == 0 || text.len > 15)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!isdigit((unsigned char)text.p[i]))
			return false;
		value = value * 10 + (text.p[i] - '0');
	}
	*ret = value;
	return true;
}

/* The signature's time is compared with the tolerance only after the signature was found right: the
 * verdict must not reveal which times are accepted. */
static enum verify_verdict check_hmac(const struct verifier *v, const struct intake_request *request,
									  struct verify_proof *proof)
{
	const struct config_verify *config = v->config;
	struct hmac_claims claimed = { 0 };
	if (!claims_read(config, request, &claimed))
		return VERIFY_MISSING;
	if (claimed.signature_count == 0)
		return claimed.malformed ? VERIFY_MALFORMED : VERIFY_MISSING;
	if (v->signs_time && !claimed.has_timestamp)
		return VERIFY_MISSING;
	int64_t at_s = 0;
	bool bounded = v->signs_time && config->tolerance_ms > 0;
	if (bounded && !read_seconds(claimed.timestamp, &at_s))
		return VERIFY_MALFORMED;
	if (!any_secret_matches(v, request, &claimed))
		return VERIFY_WRONG;
	/* The signature's age is compared in whole seconds, as the sender counts: with milliseconds, a request
	 * sent within the same second could seem to come from the future. */
	int64_t age_s = request->wall_ms / 1000 - at_s, tolerance_s = config->tolerance_ms / 1000;
	if (bounded && age_s > tolerance_s)
		return VERIFY_TOO_OLD;
	if (bounded && age_s < -tolerance_s)
		return VERIFY_TOO_NEW;
	*proof = (struct verify_proof){ claimed.prefix, v->signs_id, claimed.id };
	return VERIFY_OK;
}

/* ---- tokens ---- */

static enum verify_verdict compare_token(const struct verifier *v, const char *token, size_t len)
{
	uint8_t digest[DIGEST_BYTES];
	digest_bytes(token, len, digest);
	bool matches = false;
	for (size_t i = 0; i < v->secret_count; i++)
		matches |= mac_equal(digest, v->secrets[i].digest, sizeof digest);
	return matches ? VERIFY_OK : VERIFY_WRONG;
}

/* The prefix of a token, such as "Bearer ", is compared without regard to case (RFC 9110 section 11.1). */
static enum verify_verdict check_token_header(const struct verifier *v, const char *value)
{
	const char *prefix = v->config->token_prefix != NULL ? v->config->token_prefix : "";
	size_t len = strlen(prefix);
	if (strncasecmp(value, prefix, len) != 0)
		return VERIFY_MALFORMED;
	struct str token = claims_trim(str_of(value + len));
	return compare_token(v, token.p, token.len);
}

static enum verify_verdict check_token_body(const struct verifier *v, struct str text)
{
	struct body body;
	if (body_parse(text, &body, NULL) != 0)
		return VERIFY_MALFORMED;
	const json_t *token = body_pointer(body.root, v->config->token_pointer);
	enum verify_verdict verdict = VERIFY_MISSING;
	if (json_is_string(token))
		verdict = compare_token(v, json_string_value(token), json_string_length(token));
	body_finish(&body);
	return verdict;
}

/* If a token is configured both in a header and in the body, the body is looked at only when the header is
 * absent. */
static enum verify_verdict check_token(const struct verifier *v, const struct intake_request *request)
{
	const char *value = request_header(request, v->config->token_header);
	if (value != NULL)
		return check_token_header(v, value);
	if (v->config->token_pointer != NULL)
		return check_token_body(v, request->body);
	return VERIFY_MISSING;
}

/* A scheme outside the enum, which no configuration can produce, rejects the request. */
enum verify_verdict verify_request_proof(const struct verifier *v, const struct intake_request *request,
										 struct verify_proof *ret_proof)
{
	struct verify_proof proof = { 0 };
	enum verify_verdict verdict = VERIFY_WRONG;
	switch (v->config->scheme) {
	case VERIFY_HMAC:
		verdict = check_hmac(v, request, &proof);
		break;
	case VERIFY_TOKEN:
		verdict = check_token(v, request);
		break;
	case VERIFY_NONE:
		verdict = VERIFY_OK;
		break;
	default:
		break;
	}
	if (verdict == VERIFY_OK && ret_proof != NULL)
		*ret_proof = proof;
	return verdict;
}

enum verify_verdict verify_request(const struct verifier *v, const struct intake_request *request)
{
	return verify_request_proof(v, request, NULL);
}
