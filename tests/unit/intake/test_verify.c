/* The test vectors that platforms publish, through the shipped presets where there are presets. */
#include "saga/base/hex.h"
#include "tests/unit/intake/intake_fixture.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/verify.h"
#include "saga/base/mem.h"

static enum verify_verdict check(const char *source, const char *body, const char *const *headers,
								 int64_t wall_s, const char *url)
{
	char *sources AUTO_FREE = mem_printf("\"s\":%s", source);
	struct rules *rules = fixture_rules(sources, "");
	struct intake_request request = fixture_request(body, headers);
	request.wall_ms = wall_s * 1000;
	request.url = url;
	enum verify_verdict verdict = verify_request(rules->sources[0].verifier, &request);
	rules_unref(rules);
	return verdict;
}

#define STD_SOURCE                                                                                           \
	"{\"preset\":\"standard-webhooks\",\"secrets\":[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]}"
#define STD_BODY  "{\"test\": 2432232314}"
#define STD_ID    "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STD_TIME  "webhook-timestamp: 1614265330"
#define STD_RIGHT "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define STD_WRONG "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="

static void standard_webhooks(void **state)
{
	const char *const good[] = { STD_ID, STD_TIME, "webhook-signature: " STD_RIGHT, NULL };
	const char *const several[] = { STD_ID, STD_TIME,
									"webhook-signature: " STD_WRONG " v2,abc " STD_RIGHT " " STD_WRONG,
									NULL };
	const char *const svix[] = { "svix-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "svix-timestamp: 1614265330",
								 "svix-signature: " STD_RIGHT, NULL };
	const char *const wrong[] = { STD_ID, STD_TIME, "webhook-signature: " STD_WRONG, NULL };
	const char *const other_version[] = { STD_ID, STD_TIME, "webhook-signature: v1a,g0hM9SsE v3,xyz", NULL };
	const char *const no_time[] = { STD_ID, "webhook-signature: " STD_RIGHT, NULL };
	const char *const bad_time[] = { STD_ID, "webhook-timestamp: soon", "webhook-signature: " STD_RIGHT,
									 NULL };
	const char *const no_id[] = { STD_TIME, "webhook-signature: " STD_RIGHT, NULL };
	const char *const garbage[] = { STD_ID, STD_TIME, "webhook-signature: v1,!!!", NULL };
	const int64_t now = 1614265330;
	(void)state;
	assert_int_equal(check(STD_SOURCE, STD_BODY, good, now, NULL), VERIFY_OK);
	assert_int_equal(check(STD_SOURCE, STD_BODY, several, now, NULL), VERIFY_OK);
	assert_int_equal(check(STD_SOURCE, STD_BODY, svix, now, NULL), VERIFY_OK);
	assert_int_equal(check(STD_SOURCE, STD_BODY, wrong, now, NULL), VERIFY_WRONG);
	assert_int_equal(check(STD_SOURCE, STD_BODY " ", good, now, NULL), VERIFY_WRONG);
	assert_int_equal(check(STD_SOURCE, STD_BODY, other_version, now, NULL), VERIFY_MISSING);
	assert_int_equal(check(STD_SOURCE, STD_BODY, no_time, now, NULL), VERIFY_MISSING);
	assert_int_equal(check(STD_SOURCE, STD_BODY, bad_time, now, NULL), VERIFY_MALFORMED);
	assert_int_equal(check(STD_SOURCE, STD_BODY, no_id, now, NULL), VERIFY_WRONG);
	assert_int_equal(check(STD_SOURCE, STD_BODY, garbage, now, NULL), VERIFY_MALFORMED);
	assert_int_equal(check(STD_SOURCE, STD_BODY, NULL, now, NULL), VERIFY_MISSING);
	/* The tolerance before and after now, to the second. */
	assert_int_equal(check(STD_SOURCE, STD_BODY, good, now + 300, NULL), VERIFY_OK);
	assert_int_equal(check(STD_SOURCE, STD_BODY, good, now + 301, NULL), VERIFY_TOO_OLD);
	assert_int_equal(check(STD_SOURCE, STD_BODY, good, now - 300, NULL), VERIFY_OK);
	assert_int_equal(check(STD_SOURCE, STD_BODY, good, now - 301, NULL), VERIFY_TOO_NEW);
	/* A wrong signature with an old time is WRONG, not TOO_OLD: the verdict must not reveal the tolerance. */
	assert_int_equal(check(STD_SOURCE, STD_BODY, wrong, now + 9999, NULL), VERIFY_WRONG);
}

#define STRIPE_SOURCE "{\"preset\":\"stripe\",\"secrets\":[\"whsec_old\",\"whsec_test_secret\"]}"
#define STRIPE_BODY   "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}"
#define STRIPE_RIGHT  "4f1cd7feda9826e746b7d482c4badebb657398df1099e1046364f6196a230150"
#define STRIPE_WRONG  "0000000000000000000000000000000000000000000000000000000000000000"

static void stripe(void **state)
{
	static const struct {
		const char *header;
		enum verify_verdict verdict;
	} cases[] = {
		{ "Stripe-Signature: t=1700000000,v1=" STRIPE_RIGHT, VERIFY_OK },
		{ "stripe-signature: t=1700000000, v1=" STRIPE_RIGHT, VERIFY_OK },
		{ "Stripe-Signature: v1=" STRIPE_RIGHT ",t=1700000000", VERIFY_OK },
		{ "Stripe-Signature: t=1700000000,v1=" STRIPE_WRONG ",v1=" STRIPE_RIGHT ",v0=77", VERIFY_OK },
		{ "Stripe-Signature: t=1700000000,v0=" STRIPE_RIGHT, VERIFY_MISSING },
		{ "Stripe-Signature: t=1700000001,v1=" STRIPE_RIGHT, VERIFY_WRONG },
		{ "Stripe-Signature: v1=" STRIPE_RIGHT, VERIFY_MISSING },
		{ "Stripe-Signature: t=,v1=" STRIPE_RIGHT, VERIFY_MALFORMED },
		{ "Stripe-Signature: t=1700000000,v1=4f1cd7", VERIFY_MALFORMED },
		{ "Stripe-Signature: t=1700000000,v1=" STRIPE_RIGHT "00", VERIFY_MALFORMED },
		{ "Stripe-Signature: ", VERIFY_MISSING },
		{ "Stripe-Signature: ,,,===,=,", VERIFY_MISSING },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *const headers[] = { cases[i].header, NULL };
		int got = (int)check(STRIPE_SOURCE, STRIPE_BODY, headers, 1700000000, NULL);
		if (got != (int)cases[i].verdict)
			fail_msg("%s gave %s", cases[i].header, verify_verdict_text((enum verify_verdict)got));
	}
}

#define GITHUB(secret) "{\"preset\":\"github\",\"secrets\":[\"" secret "\"]}"
#define GITHUB_V4      "sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3"
#define GITHUB_V5      "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

static void github(void **state)
{
	const char *const v4[] = { "X-Hub-Signature-256: " GITHUB_V4, NULL };
	const char *const v5[] = { "X-Hub-Signature-256: " GITHUB_V5, NULL };
	const char *const bare[] = {
		"X-Hub-Signature-256: 4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3", NULL
	};
	(void)state;
	assert_int_equal(check(GITHUB("mysecret"), "{\"foo\":\"bar\"}", v4, 0, NULL), VERIFY_OK);
	assert_int_equal(check(GITHUB("It's a Secret to Everybody"), "Hello, World!", v5, 0, NULL), VERIFY_OK);
	assert_int_equal(check(GITHUB("mysecret"), "{\"foo\":\"baz\"}", v4, 0, NULL), VERIFY_WRONG);
	assert_int_equal(check(GITHUB("other"), "{\"foo\":\"bar\"}", v4, 0, NULL), VERIFY_WRONG);
	assert_int_equal(check(GITHUB("mysecret"), "{\"foo\":\"bar\"}", bare, 0, NULL), VERIFY_MALFORMED);
}

#define HMAC_SOURCE(secret, members)                                                                         \
	"{\"verify\":{\"scheme\":\"hmac\"," members "},\"secrets\":[\"" secret "\"]}"

static void shopify_donorbox_twilio(void **state)
{
	const char *const shopify[] = { "X-Shopify-Hmac-Sha256: B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g=",
									NULL };
	const char *const donorbox[] = {
		"Donorbox-Signature: 1691135469,6018f5326af21507a8abdf0f84a4ca1de083c7ede4cc3cc45e0859f5a4a76f0a",
		NULL
	};
	const char *const twilio[] = { "X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=", NULL };
	(void)state;
	assert_int_equal(
		check(HMAC_SOURCE("test_secret_key", "\"header\":\"X-Shopify-Hmac-Sha256\",\"hash\":\"sha256\","
											 "\"encoding\":\"base64\""),
			  "{\"foo\": \"bar\"}", shopify, 0, NULL),
		VERIFY_OK);
	const char donorbox_source[] = HMAC_SOURCE(
		"secret", "\"header\":\"Donorbox-Signature\",\"element_separator\":\",\",\"timestamp_element\":"
				  "\"1\",\"signature_element\":\"2\",\"encoding\":\"hex\",\"hash\":\"sha256\","
				  "\"signed_string\":\"{timestamp}.{body}\",\"tolerance\":\"5m\"");
	assert_int_equal(check(donorbox_source, "[{\"id\":1}]", donorbox, 1691135469, NULL), VERIFY_OK);
	assert_int_equal(check(donorbox_source, "[{\"id\":1}]", donorbox, 1691135469 + 400, NULL),
					 VERIFY_TOO_OLD);
	/* The signature covers the URL; the body here is the parameters in the form in which the platform
	 * joins them. */
	const char twilio_source[] = HMAC_SOURCE(
		"12345",
		"\"header\":\"X-Twilio-Signature\",\"encoding\":\"base64\",\"hash\":\"sha1\",\"signed_string\":"
		"\"{url}{body}\"");
	const char params[] =
		"CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212";
	assert_int_equal(check(twilio_source, params, twilio, 0, "https://mycompany.com/myapp.php?foo=1&bar=2"),
					 VERIFY_OK);
	assert_int_equal(check(twilio_source, params, twilio, 0, "https://mycompany.com/myapp.php?foo=1"),
					 VERIFY_WRONG);
	assert_int_equal(check(twilio_source, params, twilio, 0, NULL), VERIFY_WRONG);
}

/* Against another implementation of HMAC, all hashes, with contexts used again and again in changing order.
 */
static void agrees_with_openssl(void **state)
{
	static const struct {
		const char *name;
		const EVP_MD *(*md)(void);
	} hashes[] = { { "sha1", EVP_sha1 }, { "sha256", EVP_sha256 }, { "sha512", EVP_sha512 } };
	static const char *const secrets[] = {
		"k",
		"a much longer key than one block of the hash is, so that it is hashed "
		"itself before it is used, as RFC 2104 says it should be, with some more",
		"third"
	};
	(void)state;
	for (int round = 0; round < 18; round++) {
		const char *secret = secrets[round % 3], *body = round % 2 == 0 ? "{\"x\":1}" : "";
		unsigned char mac[EVP_MAX_MD_SIZE];
		unsigned len = 0;
		size_t h = (size_t)round / 3 % 3;
		assert_non_null(HMAC(hashes[h].md(), secret, (int)strlen(secret), (const unsigned char *)body,
							 strlen(body), mac, &len));
		char hex[2 * EVP_MAX_MD_SIZE + 1];
		hex_encode(mac, len, hex);
		char *header AUTO_FREE = mem_printf("X-Signature: %s", hex);
		char *source AUTO_FREE = mem_printf("{\"verify\":{\"scheme\":\"hmac\",\"header\":\"X-Signature\","
											"\"encoding\":\"hex\",\"hash\":\"%s\"},"
											"\"secrets\":[\"%s\"]}",
											hashes[h].name, secret);
		const char *const headers[] = { header, NULL };
		assert_int_equal(check(source, body, headers, 0, NULL), VERIFY_OK);
		header[strlen(header) - 1] ^= 1;
		assert_int_not_equal(check(source, body, headers, 0, NULL), VERIFY_OK);
	}
}

static void tokens(void **state)
{
	static const char bearer[] = "{\"preset\":\"token\",\"secrets\":[\"first\",\"second\"]}";
	static const char in_body[] =
		"{\"verify\":{\"scheme\":\"token\",\"token_pointer\":\"/secret\"},\"secrets\":[\"first\"]}";
	const char *const good[] = { "Authorization: Bearer second", NULL };
	const char *const lower[] = { "authorization: bearer first", NULL };
	const char *const longer[] = { "Authorization: Bearer firstfirst", NULL };
	const char *const basic[] = { "Authorization: Basic first", NULL };
	const char *const empty[] = { "Authorization: Bearer ", NULL };
	(void)state;
	assert_int_equal(check(bearer, "", good, 0, NULL), VERIFY_OK);
	assert_int_equal(check(bearer, "", lower, 0, NULL), VERIFY_OK);
	assert_int_equal(check(bearer, "", longer, 0, NULL), VERIFY_WRONG);
	assert_int_equal(check(bearer, "", basic, 0, NULL), VERIFY_MALFORMED);
	assert_int_equal(check(bearer, "", empty, 0, NULL), VERIFY_WRONG);
	assert_int_equal(check(bearer, "", NULL, 0, NULL), VERIFY_MISSING);
	assert_int_equal(check(in_body, "{\"secret\":\"first\"}", NULL, 0, NULL), VERIFY_OK);
	assert_int_equal(check(in_body, "{\"secret\":\"x\"}", NULL, 0, NULL), VERIFY_WRONG);
	assert_int_equal(check(in_body, "{\"secret\":1}", NULL, 0, NULL), VERIFY_MISSING);
	assert_int_equal(check(in_body, "{}", NULL, 0, NULL), VERIFY_MISSING);
	assert_int_equal(check(in_body, "first", NULL, 0, NULL), VERIFY_MALFORMED);
}

static void a_secret_that_does_not_fit_is_refused(void **state)
{
	char text[] = "whsec_not base64", header[] = "h", prefix[] = "whsec_", origin[] = "$env X";
	const struct config_secret secret = { .value = text, .len = sizeof text - 1, .origin = origin };
	const struct config_verify config = {
		.scheme = VERIFY_HMAC, .header = header, .key = VERIFY_KEY_STRIP_BASE64, .key_prefix = prefix
	};
	struct verifier *v = NULL;
	struct err err = { 0 };
	(void)state;
	assert_int_equal(verify_create(&config, &secret, 1, &v, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "a secret ($env X) is not base64"));
	assert_null(v);
}

static void expect_id(const char *const *headers, const char *id)
{
	struct rules *rules = fixture_rules("\"s\":" STD_SOURCE, "");
	struct intake_request request = fixture_request(STD_BODY, headers);
	struct prepared *p = NULL;
	request.wall_ms = INT64_C(1614265330) * 1000;
	assert_int_equal(prepare_event(rules, "s", &request, NULL, NULL, &p), 0);
	assert_string_equal(p->accept.event->f.event_id.p, id);
	prepare_destroy(p);
	rules_unref(rules);
}

/* A signed message stays one event, whatever unsigned headers a sender adds. */
static void the_signed_id_is_the_event_id(void **state)
{
	static const char id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
	const char *const svix_and_more[] = { "webhook-id: other", "svix-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
										  "svix-timestamp: 1614265330", "svix-signature: " STD_RIGHT, NULL };
	const char *const more_and_standard[] = { "svix-id: other", STD_ID, STD_TIME,
											  "webhook-signature: " STD_RIGHT, NULL };
	const char *const blanks[] = { STD_ID " \t\v", STD_TIME, "webhook-signature: " STD_RIGHT, NULL };
	(void)state;
	expect_id(svix_and_more, id);
	expect_id(more_and_standard, id);
	expect_id(blanks, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_webhooks),
		cmocka_unit_test(stripe),
		cmocka_unit_test(github),
		cmocka_unit_test(shopify_donorbox_twilio),
		cmocka_unit_test(agrees_with_openssl),
		cmocka_unit_test(tokens),
		cmocka_unit_test(a_secret_that_does_not_fit_is_refused),
		cmocka_unit_test(the_signed_id_is_the_event_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
