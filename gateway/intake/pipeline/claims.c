/* What the headers of a signed request claim: the signatures, the time and the id. Nothing here is
 * verified. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gateway/intake/pipeline/decode.h"
#include "gateway/intake/pipeline/verify_internal.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

struct str claims_trim(struct str s)
{
	while (s.len > 0 && isspace((unsigned char)s.p[0]))
		s = (struct str){ s.p + 1, s.len - 1 };
	while (s.len > 0 && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Removes the text before the first `separator` from the front of *rest and returns it. Without a
 * separator, or when *rest does not contain it: all of *rest. */
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

/* Decodes one signature of the header and appends it to the claims. A signature of the wrong length is
 * malformed. */
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
	bool ok = config->encoding == VERIFY_HEX ? hex_decode(value, out, MAC_BYTES_MAX, &len)
											 : decode_base64(value, out, MAC_BYTES_MAX, &len);
	if (ok && len == mac_bytes(config->hash))
		claimed->signature_count++;
	else
		claimed->malformed = true;
}

/* Reads one element of the signature's header: "t=1700000000", "v1=5f8d…". Where elements have no names,
 * their position ("1", "2") is their name. Elements with names that the configuration does not mention are
 * ignored. */
static void take_element(const struct config_verify *config, unsigned position, struct str element,
						 struct hmac_claims *claimed)
{
	char number[12];
	snprintf(number, sizeof number, "%u", position);
	struct str name = str_of(number), value = claims_trim(element);
	if (config->key_separator != NULL) {
		struct str rest = value;
		name = claims_trim(split_off(&rest, config->key_separator));
		value = claims_trim(rest);
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

/* A platform may send its headers under several prefixes (webhook-, svix-). They are tried in the order of
 * the configuration; the first one under which the signature's header exists counts. */
bool claims_read(const struct config_verify *config, const struct intake_request *request,
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
		claimed->timestamp = claims_trim(str_of(timestamp));
		claimed->has_timestamp = true;
	}
	claimed->prefix = prefix;
	claimed->id = claims_trim(str_of(verify_header(config, prefix, request, config->id_header)));
	return true;
}
