#include "gateway/intake/pipeline/verify.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/intake/pipeline/body.h"
#include "gateway/intake/pipeline/decode.h"
#include "gateway/intake/pipeline/mac.h"
#include "saga/base/digest.h"
#include "saga/base/mem.h"

#define PARTS_MAX      16 /* of a signed-string template */
#define SIGNATURES_MAX 16 /* in one header that are looked at */

enum template_part_kind { TEMPLATE_TEXT, TEMPLATE_ID, TEMPLATE_TIMESTAMP, TEMPLATE_URL, TEMPLATE_BODY };

struct template_part {
	enum template_part_kind kind;
	struct str text;
};

struct verify_secret {
	char *key; /* as the scheme uses it */
	size_t len;
	uint8_t digest[DIGEST_BYTES]; /* of it, to compare tokens of any length in constant time */
};

struct verifier {
	const struct config_verify *config;
	struct template_part parts[PARTS_MAX];
	size_t part_count;
	bool signs_time;
	bool signs_id;
	struct verify_secret *secrets;
	size_t secret_count;
};

const char *verify_verdict_text(enum verify_verdict v)
{
	static const char *const texts[] = {
		[VERIFY_OK] = "verified",
		[VERIFY_MISSING] = "the header or member that carries the proof is missing",
		[VERIFY_MALFORMED] = "the proof has not the declared form",
		[VERIFY_TOO_OLD] = "signed rightly, but too long ago",
		[VERIFY_TOO_NEW] = "signed rightly, but in the future: compare the clocks",
		[VERIFY_WRONG] = "no secret fits the signature",
	};
	return texts[v];
}

/* ---- compiling ---- */

static int template_compile(struct verifier *v, const char *text, struct err *err)
{
	static const struct {
		const char *name;
		enum template_part_kind kind;
	} placeholders[] = { { "{id}", TEMPLATE_ID },
						 { "{timestamp}", TEMPLATE_TIMESTAMP },
						 { "{url}", TEMPLATE_URL },
						 { "{body}", TEMPLATE_BODY } };
	const char *at = text;
	while (*at != '\0') {
		if (v->part_count == PARTS_MAX)
			return err_set(err, ERR_INVALID, "the signed string has more than %d parts", PARTS_MAX);
		struct template_part part = { .kind = TEMPLATE_TEXT, .text = { at, 1 + strcspn(at + 1, "{") } };
		for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++) {
			size_t len = strlen(placeholders[i].name);
			if (strncmp(at, placeholders[i].name, len) == 0)
				part = (struct template_part){ .kind = placeholders[i].kind, .text = { at, len } };
		}
		v->signs_time = v->signs_time || part.kind == TEMPLATE_TIMESTAMP;
		v->signs_id = v->signs_id || part.kind == TEMPLATE_ID;
		v->parts[v->part_count++] = part;
		at += part.text.len;
	}
	if (v->part_count == 0)
		return err_set(err, ERR_INVALID, "the signed string is empty");
	return 0;
}

static int secret_compile(const struct config_verify *config, const struct config_secret *from,
						  struct verify_secret *to, struct err *err)
{
	struct str key = { from->value, from->len };
	bool strip = config->scheme == VERIFY_HMAC && config->key != VERIFY_KEY_RAW && config->key_prefix != NULL;
	size_t prefix = strip ? strlen(config->key_prefix) : 0;
	if (strip && key.len >= prefix && memcmp(key.p, config->key_prefix, prefix) == 0)
		key = (struct str){ key.p + prefix, key.len - prefix };
	to->key = mem_alloc(key.len + 1);
	to->len = key.len;
	bool ok = true;
	if (config->scheme == VERIFY_HMAC && config->key == VERIFY_KEY_STRIP_BASE64)
		ok = decode_base64(key, (uint8_t *)to->key, key.len, &to->len);
	else
		memcpy(to->key, key.p, key.len);
	if (!ok || to->len == 0)
		return err_set(err, ERR_INVALID, "a secret (%s) is %s",
					   from->origin != NULL ? from->origin : "literal",
					   ok ? "empty" : "not base64 behind its prefix, as this way of signing needs it");
	digest_bytes(to->key, to->len, to->digest);
	return 0;
}

int verify_create(const struct config_verify *config, const struct config_secret *secrets,
				  size_t secret_count, struct verifier **ret, struct err *err)
{
	struct verifier *v = mem_zalloc(sizeof *v);
	v->config = config;
	int rc = 0;
	if (config->scheme == VERIFY_HMAC)
		rc = template_compile(v, config->signed_string != NULL ? config->signed_string : "{body}", err);
	if (config->scheme != VERIFY_NONE)
		v->secrets = mem_zalloc((secret_count + 1) * sizeof *v->secrets);
	for (size_t i = 0; i < secret_count && config->scheme != VERIFY_NONE && rc == 0; i++) {
		v->secret_count++; /* also when it fails: its memory is freed below */
		rc = secret_compile(config, &secrets[i], &v->secrets[i], err);
	}
	if (rc != 0) {
		verify_destroy(v);
		return rc;
	}
	*ret = v;
	return 0;
}

void verify_destroy(struct verifier *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->secret_count; i++) {
		if (v->secrets[i].key != NULL)
			OPENSSL_cleanse(v->secrets[i].key, v->secrets[i].len);
		free(v->secrets[i].key);
	}
	free(v->secrets);
	free(v);
}

/* ---- HMAC: what the headers say ---- */

struct hmac_claims {
	size_t prefix; /* of the signature's header: all others must have the same */
	struct str id;
	struct str timestamp;
	bool has_timestamp;
	unsigned signature_count;
	uint8_t signatures[SIGNATURES_MAX][MAC_BYTES_MAX];
	bool malformed; /* a signature was there that does not decode */
};

static struct str trim(struct str s)
{
	while (s.len > 0 && isspace((unsigned char)s.p[0]))
		s = (struct str){ s.p + 1, s.len - 1 };
	while (s.len > 0 && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Takes the first piece before `separator` off the front of *rest; NULL separator: all of it. */
static struct str split_off(struct str *rest, const char *separator)
{
	size_t len = separator != NULL ? strlen(separator) : 0;
	const char *at = len > 0 ? memmem(rest->p, rest->len, separator, len) : NULL;
	struct str piece = *rest;
	if (at != NULL)
		piece.len = (size_t)(at - rest->p);
	size_t used = at != NULL ? piece.len + len : rest->len;
	*rest = (struct str){ rest->p + used, rest->len - used };
	return piece;
}

static void take_signature(const struct config_verify *config, struct str text, struct hmac_claims *claimed)
{
	size_t prefix = config->signature_prefix != NULL ? strlen(config->signature_prefix) : 0;
	bool matches =
		text.len >= prefix && (prefix == 0 || memcmp(text.p, config->signature_prefix, prefix) == 0);
	if (!matches || claimed->signature_count == SIGNATURES_MAX) {
		claimed->malformed = true;
		return;
	}
	struct str value = { text.p + prefix, text.len - prefix };
	uint8_t *out = claimed->signatures[claimed->signature_count];
	size_t len = 0;
	bool ok = config->encoding == VERIFY_HEX ? decode_hex(value, out, MAC_BYTES_MAX, &len)
											 : decode_base64(value, out, MAC_BYTES_MAX, &len);
	if (ok && len == mac_bytes(config->hash))
		claimed->signature_count++;
	else
		claimed->malformed = true;
}

static void take_element(const struct config_verify *config, unsigned position, struct str element,
						 struct hmac_claims *claimed)
{
	char number[12];
	(void)snprintf(number, sizeof number, "%u", position);
	struct str name = str_of(number), value = trim(element);
	if (config->key_separator != NULL) {
		struct str rest = value;
		name = trim(split_off(&rest, config->key_separator));
		value = trim(rest);
	}
	if (config->timestamp_element != NULL && str_is(name, config->timestamp_element)) {
		claimed->timestamp = value;
		claimed->has_timestamp = true;
	} else if (config->signature_element == NULL || str_is(name, config->signature_element)) {
		take_signature(config, value, claimed);
	}
}

const char *verify_header(const struct config_verify *config, size_t prefix,
						  const struct intake_request *request, const char *name)
{
	if (name == NULL || prefix == 0)
		return request_header(request, name);
	const char *first = config->header_prefixes.items[0];
	size_t len = strlen(first);
	if (strncasecmp(name, first, len) != 0)
		return request_header(request, name);
	char *other AUTO_FREE = mem_printf("%s%s", config->header_prefixes.items[prefix], name + len);
	return request_header(request, other);
}

static bool read_claimed(const struct config_verify *config, const struct intake_request *request,
						 struct hmac_claims *claimed)
{
	size_t prefixes = config->header_prefixes.count > 1 ? config->header_prefixes.count : 1;
	const char *header = NULL;
	size_t prefix = 0;
	while (header == NULL && prefix < prefixes)
		header = verify_header(config, prefix++, request, config->header);
	if (header == NULL)
		return false;
	prefix--;
	struct str rest = str_of(header);
	for (unsigned position = 1; rest.len > 0; position++)
		take_element(config, position, split_off(&rest, config->element_separator), claimed);
	const char *timestamp = verify_header(config, prefix, request, config->timestamp_header);
	if (!claimed->has_timestamp && timestamp != NULL) {
		claimed->timestamp = trim(str_of(timestamp));
		claimed->has_timestamp = true;
	}
	claimed->prefix = prefix;
	claimed->id = trim(str_of(verify_header(config, prefix, request, config->id_header)));
	return true;
}

/* ---- HMAC: the check ---- */

size_t verify_mac(const struct verifier *v, size_t secret, const struct verify_signed *signed_with,
				  uint8_t out[MAC_BYTES_MAX])
{
	struct str parts[PARTS_MAX];
	for (size_t i = 0; i < v->part_count; i++) {
		const struct str values[] = { [TEMPLATE_TEXT] = v->parts[i].text,
									  [TEMPLATE_ID] = signed_with->id,
									  [TEMPLATE_TIMESTAMP] = signed_with->timestamp,
									  [TEMPLATE_URL] = str_of(signed_with->url),
									  [TEMPLATE_BODY] = signed_with->body };
		parts[i] = values[v->parts[i].kind];
	}
	mac_compute(v->config->hash, (struct str){ v->secrets[secret].key, v->secrets[secret].len }, parts,
				v->part_count, out);
	return mac_bytes(v->config->hash);
}

static bool any_secret_matches(const struct verifier *v, const struct intake_request *request,
							   const struct hmac_claims *claimed)
{
	const struct verify_signed signed_with = { claimed->id, claimed->timestamp, request->url, request->body };
	/* All pairs are compared whatever comes out, so that the time tells nothing of which one fitted. */
	bool matches = false;
	for (size_t s = 0; s < v->secret_count; s++) {
		uint8_t mac[MAC_BYTES_MAX];
		size_t len = verify_mac(v, s, &signed_with, mac);
		for (unsigned i = 0; i < claimed->signature_count; i++)
			matches |= mac_equal(mac, claimed->signatures[i], len);
	}
	return matches;
}

/* Seconds since 1970; false when it is anything else. */
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

static enum verify_verdict check_hmac(const struct verifier *v, const struct intake_request *request,
									  struct verify_proof *proof)
{
	const struct config_verify *config = v->config;
	struct hmac_claims claimed = { 0 };
	if (!read_claimed(config, request, &claimed))
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
	/* In whole seconds, as the sender counts: an event of "now" is neither old nor new. */
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

static enum verify_verdict check_token_header(const struct verifier *v, const char *value)
{
	const char *prefix = v->config->token_prefix != NULL ? v->config->token_prefix : "";
	size_t len = strlen(prefix);
	if (strncasecmp(value, prefix, len) != 0)
		return VERIFY_MALFORMED;
	struct str token = trim(str_of(value + len));
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

static enum verify_verdict check_token(const struct verifier *v, const struct intake_request *request)
{
	const char *value = request_header(request, v->config->token_header);
	if (value != NULL)
		return check_token_header(v, value);
	if (v->config->token_pointer != NULL)
		return check_token_body(v, request->body);
	return VERIFY_MISSING;
}

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
