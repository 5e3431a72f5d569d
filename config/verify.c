#include "config/verify.h"

#include <string.h>

#include "config/parse.h"
#include "saga/base/mem.h"

static void verify_reset(struct config_reader *r, const struct config_option *option, void *base)
{
	struct config_verify *verify = option_field(option, base);

	option_finish(option, base);
	*verify = (struct config_verify){ 0 };
	reader_defaults(r, option->section, verify);
}

/* "none", or an object that replaces or changes what the preset has set. */
void parse_verify(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base)
{
	if (json_is_string(value) && strcmp(json_string_value(value), "none") == 0) {
		verify_reset(r, option, base);
		return;
	}
	if (!json_is_object(value)) {
		parse_wrong_kind(r, value, "\"none\" or an object");
		return;
	}
	/* An object with "scheme" replaces the preset's verification; an object without it changes single
	 * options. */
	if (json_object_get(value, "scheme") != NULL)
		verify_reset(r, option, base);
	reader_section(r, option->section, value, option_field(option, base));
}

static bool has_placeholder(const char *template, const char *placeholder)
{
	return strstr(template, placeholder) != NULL;
}

static void check_placeholders(struct config_reader *r, const char *template)
{
	static const char *const known[] = { "{id}", "{timestamp}", "{url}", "{body}" };
	const char *p = template;

	while ((p = strchr(p, '{')) != NULL) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strncmp(p, known[i], strlen(known[i])) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0])) {
			reader_error(r, "{id}, {timestamp}, {url} and {body}",
						 "signed_string contains an unknown placeholder");
			return;
		}
		p++;
	}
}

/* Every placeholder needs a value, and the body must be signed: otherwise a signature proves too little. */
static void check_signed_string(struct config_reader *r, const struct config_verify *verify)
{
	const char *template = verify->signed_string;

	check_placeholders(r, template);
	if (!has_placeholder(template, "{body}"))
		reader_error(r, "{body} in signed_string", "the signature would not cover the body");
	if (has_placeholder(template, "{id}") && verify->id_header == NULL)
		reader_error(r, "\"id_header\"", "signed_string contains {id}, but no option says where the id is");
	if (has_placeholder(template, "{timestamp}") && verify->timestamp_header == NULL &&
		verify->timestamp_element == NULL)
		reader_error(r, "\"timestamp_header\" or \"timestamp_element\"",
					 "signed_string contains {timestamp}, but no option says where the time is");
	if (!has_placeholder(template, "{timestamp}") &&
		(verify->timestamp_header != NULL || verify->timestamp_element != NULL))
		reader_error(r, "{timestamp} in signed_string",
					 "the time is not part of signed_string, so it proves nothing");
	if (has_placeholder(template, "{url}") && r->config->listen.public_url == NULL)
		reader_error(r, "/listen/public_url",
					 "signed_string contains {url}, but the public URL is not configured");
}

static void check_elements(struct config_reader *r, const struct config_verify *verify)
{
	bool named = verify->signature_element != NULL || verify->timestamp_element != NULL;

	if (verify->element_separator == NULL && (named || verify->key_separator != NULL))
		reader_error(r, "\"element_separator\"",
					 "elements are named, but no option says what separates them");
	if (verify->timestamp_element != NULL && verify->signature_element == NULL)
		reader_error(r, "\"signature_element\"",
					 "one element is the time, but no option says which element is the signature");
	if (verify->key != VERIFY_KEY_RAW && verify->key_prefix == NULL)
		reader_error(r, "\"key_prefix\"",
					 "a prefix of the secret is to be removed, but no option says which");
}

/* The names of the headers must begin with the first prefix, or replacing the prefix changes nothing. */
static void check_prefixes(struct config_reader *r, const struct config_verify *verify)
{
	const char *const headers[] = { verify->header, verify->id_header, verify->timestamp_header };
	const char *first = verify->header_prefixes.count == 0 ? "" : verify->header_prefixes.items[0];

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (headers[i] != NULL && strncasecmp(headers[i], first, strlen(first)) != 0)
			reader_error(r, first, "the header \"%s\" does not begin with the first of header_prefixes",
						 headers[i]);
	}
}

static bool is_base64(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strspn(text, digits);
	size_t pad = strspn(text + len, "=");

	return len > 0 && text[len + pad] == '\0' && pad <= 2 && (len + pad) % 4 == 0;
}

/* With a secret that cannot become a key, every event would be rejected without an explanation. */
static void check_keys(struct config_reader *r, const struct config_source *source)
{
	const char *prefix = source->verify.key_prefix;

	if (source->verify.key != VERIFY_KEY_STRIP_BASE64 || prefix == NULL)
		return;
	for (size_t i = 0; i < source->secret_count; i++) {
		const char *key = source->secrets[i].value;

		if (strncmp(key, prefix, strlen(prefix)) == 0)
			key += strlen(prefix);
		if (!is_base64(key))
			reader_error(r, NULL, "secret %zu (%s) is not base64 after \"%s\"", i + 1,
						 source->secrets[i].origin, prefix);
	}
}

static void check_hmac(struct config_reader *r, const struct config_source *source)
{
	const struct config_verify *verify = &source->verify;

	if (verify->header == NULL)
		reader_error(r, "\"verify\": {\"header\": NAME}",
					 "no option says which header contains the signature");
	check_signed_string(r, verify);
	check_elements(r, verify);
	check_prefixes(r, verify);
	check_keys(r, source);
}

static void check_token(struct config_reader *r, const struct config_verify *verify)
{
	if ((verify->token_header == NULL) == (verify->token_pointer == NULL))
		reader_error(r, "either \"token_header\" or \"token_pointer\"",
					 "exactly one option must say where the token is");
	if (verify->token_pointer != NULL && verify->token_pointer[0] != '/')
		reader_error(r, "a JSON pointer such as \"/secret\"", "token_pointer is not a JSON pointer");
}

/* Without verification, intake must not be reachable from a network, unless the operator allows it. */
static void check_none(struct config_reader *r, const struct config_source *source)
{
	if (!r->config->listen.loopback && !source->allow_unverified)
		reader_error(
			r, "a verification, or \"allow_unverified\": true if the network is trusted",
			"events are not verified, and %s is no loopback address: everyone who reaches intake could send "
			"false events",
			r->config->listen.host);
	if (source->secret_count > 0)
		reader_warn(r, NULL, "the secrets are not used, because nothing is verified");
}

/* A missing secret is no error for lenient commands, which may not be allowed to read it. */
void verify_check(struct config_reader *r, const struct config_source *source)
{
	switch (source->verify.scheme) {
	case VERIFY_NONE:
		check_none(r, source);
		return;
	case VERIFY_HMAC:
		check_hmac(r, source);
		break;
	case VERIFY_TOKEN:
		check_token(r, &source->verify);
		break;
	}
	if (source->secret_count == 0 && !r->hooks->lenient)
		reader_error(r, "\"secrets\": [{\"$env\": NAME}]",
					 "requests are verified, but no secret is configured");
}
