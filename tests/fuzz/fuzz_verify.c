/* Any signature header: first byte chooses the scheme, the first line is the header, the rest the body.
 * Nothing that was not signed with the secret is ever taken. */
#include <string.h>

#include "gateway/intake/pipeline/verify.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"

static char h[] = "h", comma[] = ",", equals[] = "=", blank[] = " ", t[] = "t", v1[] = "v1", one[] = "1",
			two[] = "2", signed_time[] = "{timestamp}.{body}", signed_all[] = "{id}.{timestamp}.{body}",
			prefix[] = "sha256=", pointer[] = "/secret", bearer[] = "Bearer ",
			secret_text[] = "a secret nobody guesses", origin[] = "test";

static const struct config_verify schemes[] = {
	{ .scheme = VERIFY_HMAC,
	  .header = h,
	  .element_separator = comma,
	  .key_separator = equals,
	  .timestamp_element = t,
	  .signature_element = v1,
	  .signed_string = signed_time,
	  .hash = VERIFY_SHA256,
	  .tolerance_ms = 300000 },
	{ .scheme = VERIFY_HMAC,
	  .header = h,
	  .element_separator = blank,
	  .key_separator = comma,
	  .signature_element = v1,
	  .encoding = VERIFY_BASE64,
	  .id_header = h,
	  .timestamp_header = h,
	  .signed_string = signed_all,
	  .hash = VERIFY_SHA512,
	  .tolerance_ms = 300000 },
	{ .scheme = VERIFY_HMAC,
	  .header = h,
	  .element_separator = comma,
	  .timestamp_element = one,
	  .signature_element = two,
	  .signed_string = signed_time,
	  .hash = VERIFY_SHA1 },
	{ .scheme = VERIFY_HMAC, .header = h, .signature_prefix = prefix, .hash = VERIFY_SHA256 },
	{ .scheme = VERIFY_TOKEN, .token_header = h, .token_prefix = bearer },
	{ .scheme = VERIFY_TOKEN, .token_pointer = pointer },
};
#define SCHEMES (sizeof schemes / sizeof schemes[0])

static const char *header(void *ctx, const char *name)
{
	return strcmp(name, h) == 0 ? ctx : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verifier *verifiers[SCHEMES];
	const struct config_secret secret = { .value = secret_text,
										  .len = sizeof secret_text - 1,
										  .origin = origin };
	if (size == 0)
		return 0;
	size_t scheme = data[0] % SCHEMES;
	if (verifiers[scheme] == NULL) {
		int rc = verify_create(&schemes[scheme], &secret, 1, &verifiers[scheme], NULL);
		assert(rc == 0);
	}
	const char *line = (const char *)data + 1;
	const char *end = memchr(line, '\n', size - 1);
	size_t len = end != NULL ? (size_t)(end - line) : size - 1;
	char *value AUTO_FREE = mem_strndup(line, len);
	const struct intake_request request = {
		.body = end != NULL ? (struct str){ end + 1, size - 2 - len } : (struct str){ "", 0 },
		.headers_ctx = value,
		.header = header,
		.wall_ms = 1700000000000,
	};
	enum verify_verdict verdict = verify_request(verifiers[scheme], &request);
	/* Of the token the text would have to hold the secret; of the rest, its HMAC. */
	bool has_secret = memmem(data, size, secret_text, sizeof secret_text - 1) != NULL;
	assert(verdict != VERIFY_OK || has_secret);
	assert(verify_verdict_text(verdict)[0] != '\0');
	return 0;
}
