/* Intake accepts what `send` signs: for every preset and every form of verification that a source may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/intake/pipeline/verify.h"
#include "gateway/intake/sign.h"
#include "tests/unit/intake/intake_fixture.h"

#define WALL INT64_C(1700000000123)
#define URL  "https://gifts.example.org/in/s"

static const char *header_of(void *ctx, const char *name)
{
	const struct sign_headers *h = ctx;
	size_t len = strlen(name);
	for (size_t i = 0; i < h->count; i++)
		if (strncasecmp(h->lines[i], name, len) == 0 && h->lines[i][len] == ':')
			return h->lines[i] + len + 1 + strspn(h->lines[i] + len + 1, " ");
	return NULL;
}

static enum verify_verdict check(const struct config_source *s, const struct sign_headers *h, struct str body,
								 int64_t wall_ms)
{
	struct verifier *v = NULL;
	struct err err = { 0 };
	if (verify_create(&s->verify, s->secrets, s->secret_count, &v, &err) != 0)
		fail_msg("%s: %s", s->name, err.text);
	struct intake_request request = { .body = body,
									  .headers_ctx = (void *)(uintptr_t)h,
									  .header = header_of,
									  .url = URL,
									  .now_ms = wall_ms,
									  .wall_ms = wall_ms };
	enum verify_verdict verdict = verify_request(v, &request);
	verify_destroy(v);
	return verdict;
}

static const char *const sources[] = {
	"\"s\":{\"preset\":\"stripe\",\"secrets\":[\"whsec_test\",\"older\"]}",
	"\"s\":{\"preset\":\"standard-webhooks\",\"secrets\":[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"],"
	"\"map\":\".\"}",
	"\"s\":{\"preset\":\"github\",\"secrets\":[\"s3cret\"],\"map\":\".\"}",
	"\"s\":{\"preset\":\"token\",\"secrets\":[\"letmein\"],\"map\":\".\"}",
	"\"s\":{\"verify\":{\"scheme\":\"hmac\",\"header\":\"X-Sig\",\"hash\":\"sha1\",\"encoding\":\"hex\"},"
	"\"secrets\":[\"k\"],\"map\":\".\"}",
	"\"s\":{\"verify\":{\"scheme\":\"hmac\",\"header\":\"X-Sig\",\"hash\":\"sha512\",\"encoding\":\"base64\"}"
	",\"secrets\":[\"k\"],\"map\":\".\"}",
	"\"s\":{\"verify\":{\"scheme\":\"hmac\",\"header\":\"X-Sig\",\"hash\":\"sha256\",\"encoding\":\"hex\","
	"\"signed_string\":\"{url}|{body}\"},\"secrets\":[\"k\"],\"map\":\".\"}",
	"\"s\":{\"verify\":{\"scheme\":\"token\",\"token_header\":\"X-Token\"},\"secrets\":[\"t\"],\"map\":\"."
	"\"}",
};

static void each_way(void **state)
{
	(void)state;
	static const struct str bodies[] = { STR("{\"id\":\"e\"}"), STR(""), STR("\xff\x01 not JSON") };
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		struct config *config = fixture_config_of(sources[i], "");
		const struct config_source *s = &config->sources[0];
		for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
			struct sign_headers h;
			struct err err = { 0 };
			if (sign_request(s, bodies[b], "evt_1", WALL, URL, &h, &err) != 0)
				fail_msg("%s: %s", sources[i], err.text);
			if (check(s, &h, bodies[b], WALL) != VERIFY_OK)
				fail_msg("%s: not believed", sources[i]);
			for (size_t n = 0; n < h.count; n++)
				assert_null(strpbrk(h.lines[n], "\r\n"));
			/* With another body the signature is refused, unless the proof is a token. */
			if (s->verify.scheme == VERIFY_HMAC)
				assert_int_equal(check(s, &h, STR("{\"id\":\"f\"}"), WALL), VERIFY_WRONG);
			/* An old request is refused if its time is signed. */
			bool timed = s->verify.timestamp_header != NULL || s->verify.timestamp_element != NULL;
			assert_int_equal(check(s, &h, bodies[b], WALL + 3600000), timed ? VERIFY_TOO_OLD : VERIFY_OK);
			sign_headers_finish(&h);
			assert_int_equal(h.count, 0);
			sign_headers_finish(&h); /* nothing is left that could be freed twice */
		}
		config_unref(config);
	}
}

static void cannot_sign(void **state)
{
	(void)state;
	struct config *config = fixture_config_of("\"s\":{\"verify\":{\"scheme\":\"token\",\"token_pointer\":\"/"
											  "token\"},\"secrets\":[\"t\"],\"map\":\".\"}",
											  "");
	struct sign_headers h;
	struct err err = { 0 };
	assert_int_equal(sign_request(&config->sources[0], STR("{}"), "e", WALL, URL, &h, &err), ERR_INVALID);
	assert_string_equal(err.text, "source s expects its token in the body at /token; write it there");
	config_unref(config);
	/* A secret that cannot be decoded (the configuration refuses it, so it is damaged here): its error, and no
	 * signature. */
	config = fixture_config_of(sources[1], "");
	memcpy(config->sources[0].secrets[0].value, "whsec_%", 7);
	err = (struct err){ 0 };
	assert_int_equal(sign_request(&config->sources[0], STR("{}"), "e", WALL, URL, &h, &err), ERR_INVALID);
	assert_true(*err.text != '\0');
	config_unref(config);
	config = fixture_config_of("\"s\":{\"verify\":\"none\",\"map\":\".\"}", "");
	assert_int_equal(sign_request(&config->sources[0], STR("{}"), "e", WALL, URL, &h, &err), 0);
	assert_int_equal(check(&config->sources[0], &h, STR("{}"), WALL), VERIFY_OK);
	sign_headers_finish(&h);
	config_unref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_way), cmocka_unit_test(cannot_sign) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
