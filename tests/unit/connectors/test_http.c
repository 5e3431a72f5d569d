/* Recorded conversations of the http connector. */
#include "tests/unit/connectors/exchange_fixture.h"

static struct catalog *catalog;
static const struct catalog_entry *http;

#define URL "\"url\":\"https://crm.example/gifts\""

static void opened(struct driver *d, const char *settings)
{
	if (driver_open(d, http, settings, NULL) != 0)
		fail_msg("%s: %s", settings, d->problems.data);
}

static void default_request_is_the_event_itself(void **state)
{
	(void)state;
	struct driver d;
	char key[33];
	opened(&d, "{" URL ",\"repeat\":\"keyed\"}");
	assert_int_equal(instance_traits(d.instance)->repeat, ALMONER_REPEAT_KEYED);
	assert_int_equal(instance_traits(d.instance)->repeat_ttl_ms, 86400000);
	assert_int_equal(instance_traits(d.instance)->capabilities, 0);
	const char *event = GIFT;
	const struct almoner_action *a = driver_start(&d, event, ALMONER_DO);
	sends(a, "POST", "https://crm.example/gifts", ALMONER_EFFECTS);
	/* The body is the event itself, not a copy of it. */
	assert_ptr_equal(a->http.body.p, event);
	assert_int_equal(a->http.body.len, strlen(event));
	assert_null(a->checkpoint.p);
	driver_key(&d.step, "", key);
	assert_string_equal(driver_header(&d, "Idempotency-Key"), key);
	assert_string_equal(driver_header(&d, "Content-Type"), "application/json");
	a = driver_answer(&d, 201, "{\"id\":5}");
	ends(a, ALMONER_OK, "201");
	assert_null(a->done.result.p);
	driver_close(&d);
}

static void templates_make_address_headers_and_body(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{\"url\":\"https://crm.example/d/{{donor.email}}/"
			   "gifts\",\"method\":\"PUT\",\"repeat\":\"idempotent\","
			   "\"headers\":{\"X-Donor\":\"{{donor.name}}\",\"Authorization\":\"Bearer "
			   "s3cr3t-token\",\"X-Saga\":\"{{saga}}\"},"
			   "\"body\":{\"cents\":\"{{amount.minor}}\",\"phone\":\"{{donor.phone?}}\"},\"key_quoted\":true,"
			   "\"key_header\":\"X-Request\",\"content_type\":\"application/vnd.x+json\"}");
	const struct almoner_action *a = driver_start(&d, GIFT, ALMONER_DO);
	sends(a, "PUT", "https://crm.example/d/ada%40example.org/gifts", ALMONER_EFFECTS);
	assert_string_equal(a->http.body.p, "{\"cents\":2550}");
	assert_string_equal(driver_header(&d, "X-Donor"), "Ada King Lovelace");
	assert_string_equal(driver_header(&d, "X-Saga"), "1042");
	assert_string_equal(driver_header(&d, "Authorization"), "Bearer s3cr3t-token");
	assert_string_equal(driver_header(&d, "Content-Type"), "application/vnd.x+json");
	assert_int_equal(driver_header(&d, "X-Request")[0], '"');
	assert_int_equal(strlen(driver_header(&d, "X-Request")), 34);
	/* A target repeats our header in its error text; the detail does not show it. */
	ends(driver_answer(&d, 400, "bad token s3cr3t-token for you"), ALMONER_REJECTED, "bad token *** for you");
	driver_close(&d);
}

static void text_bodies_are_escaped_for_their_type(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" URL ",\"repeat\":\"unsafe\",\"key_header\":\"\",\"body\":\"name={{donor.name}}\","
			   "\"content_type\":\"application/x-www-form-urlencoded\"}");
	const struct almoner_action *a = driver_start(&d, GIFT, ALMONER_DO);
	assert_string_equal(a->http.body.p, "name=Ada%20King%20Lovelace");
	assert_null(driver_header(&d, "Idempotency-Key"));
	driver_close(&d);
}

static void missing_values_reject_the_event(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{\"url\":\"https://x.example/{{donor.fax}}\",\"repeat\":\"unsafe\"}");
	ends(driver_start(&d, GIFT, ALMONER_DO), ALMONER_REJECTED, "donor.fax is missing");
	driver_close(&d);
}

static void header_values_cannot_break_out(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" URL ",\"repeat\":\"unsafe\",\"headers\":{\"X-Name\":\"{{name}}\"}}");
	(void)driver_start(&d, "{\"name\":\"a\\r\\nX-Admin: 1\"}", ALMONER_DO);
	assert_string_equal(driver_header(&d, "X-Name"), "a X-Admin: 1");
	assert_null(driver_header(&d, "X-Admin"));
	driver_close(&d);
}

static void success_is_read_as_configured(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" URL
			   ",\"repeat\":\"keyed\",\"success\":{\"status\":[200,302],\"path\":\".ok\",\"equals\":true},"
			   "\"id\":\".data.id\",\"error\":\".error.text\"}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	const struct almoner_action *a = driver_answer(&d, 200, "{\"ok\":true,\"data\":{\"id\":77}}");
	ends(a, ALMONER_OK, NULL);
	assert_string_equal(a->done.result.p, "{\"id\":\"77\"}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	ends(driver_answer(&d, 200, "{\"ok\":false,\"error\":{\"text\":\"no such fund\"}}"), ALMONER_REJECTED,
		 "no such fund");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	ends(driver_answer(&d, 302, "{\"ok\":true}"), ALMONER_OK, NULL);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	ends(driver_answer(&d, 201, "{\"ok\":true}"), ALMONER_UNKNOWN, "201");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	ends(driver_answer(&d, 200, "<html>log in</html>"), ALMONER_UNKNOWN, "is not JSON");
	driver_close(&d);
}

static void retry_after_is_handed_on(void **state)
{
	(void)state;
	struct driver d;
	struct almoner_reply reply = { .size = sizeof reply, .status = 503, .retry_after_ms = 7000 };
	opened(&d, "{" URL ",\"repeat\":\"keyed\"}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	assert_int_equal(driver_next(&d, &reply), 0);
	ends(&d.action, ALMONER_BUSY, NULL);
	assert_int_equal(d.action.done.retry_after_ms, 7000);
	assert_int_equal(d.action.done.status, 503);
	driver_close(&d);
}

#define LOOKUP                                                                                               \
	",\"lookup\":{\"url\":\"https://crm.example/"                                                            \
	"gifts?key={{key}}\",\"found\":\".items.0\",\"id\":\".items.0.id\"}"

static void existing_records_are_looked_up(void **state)
{
	(void)state;
	struct driver d;
	char key[33];
	char url[200];
	opened(&d, "{" URL ",\"repeat\":\"queryable\"" LOOKUP "}");
	assert_int_equal(instance_traits(d.instance)->capabilities, ALMONER_CAN_LOOKUP);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	driver_key(&d.step, "", key);
	snprintf(url, sizeof url, "https://crm.example/gifts?key=%s", key);
	sends(driver_answer(&d, 409, "exists"), "GET", url, ALMONER_READS);
	assert_null(d.action.http.body.p);
	const struct almoner_action *a = driver_answer(&d, 200, "{\"items\":[{\"id\":\"g-1\"}]}");
	ends(a, ALMONER_OK, "exists already");
	assert_string_equal(a->done.result.p, "{\"id\":\"g-1\"}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 409, "exists");
	ends(driver_answer(&d, 200, "{\"items\":[]}"), ALMONER_EXISTS, NULL);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 412, "exists");
	ends(driver_answer(&d, 502, ""), ALMONER_UNKNOWN, NULL);
	driver_close(&d);
}

static void lookups_find_or_do_not(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" URL ",\"repeat\":\"queryable\"" LOOKUP "}");
	static const struct {
		uint32_t status;
		const char *body;
		uint32_t result_class;
	} cases[] = { { 200, "{\"items\":[{\"id\":1}]}", ALMONER_OK },
				  { 200, "{\"items\":[]}", ALMONER_ABSENT },
				  { 404, "", ALMONER_ABSENT },
				  { 200, "garbage", ALMONER_UNREACHABLE },
				  { 500, "", ALMONER_UNREACHABLE },
				  { 401, "", ALMONER_DENIED },
				  { 429, "", ALMONER_BUSY } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct almoner_action *a = driver_start(&d, GIFT, ALMONER_LOOKUP);
		assert_int_equal(a->effect, ALMONER_READS);
		ends(driver_answer(&d, cases[i].status, cases[i].body), cases[i].result_class, NULL);
	}
	driver_close(&d);
}

/* The target answers the request that reads the record; `etag` NULL: without an ETag. */
static const struct almoner_action *read_gives(struct driver *d, uint32_t status, const char *etag)
{
	struct almoner_header header = { driver_text("etag"), driver_text(etag) };
	struct almoner_reply reply = {
		.size = sizeof reply, .status = status, .headers = &header, .header_count = etag != NULL
	};
	assert_int_equal(driver_next(d, &reply), 0);
	return &d->action;
}

#define DONOR "\"url\":\"https://crm.example/donors/{{donor.id}}\",\"method\":\"PATCH\""

static void writes_carry_the_etag_read(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" DONOR ",\"repeat\":\"idempotent\",\"etag\":{}}");
	const struct almoner_action *a = driver_start(&d, GIFT, ALMONER_DO);
	sends(a, "GET", "https://crm.example/donors/d-7", ALMONER_READS);
	assert_null(driver_header(&d, "Idempotency-Key"));
	sends(read_gives(&d, 200, "\"v1\""), "PATCH", "https://crm.example/donors/d-7", ALMONER_EFFECTS);
	assert_string_equal(driver_header(&d, "If-Match"), "\"v1\"");
	/* Another writer changed the record: it is read again, and the write is based on that. */
	sends(driver_answer(&d, 412, ""), "GET", "https://crm.example/donors/d-7", ALMONER_READS);
	assert_null(driver_header(&d, "If-Match"));
	(void)read_gives(&d, 200, "W/\"v2\"");
	assert_string_equal(driver_header(&d, "If-Match"), "W/\"v2\"");
	ends(driver_answer(&d, 200, ""), ALMONER_OK, NULL);
	/* There is no record yet: it is created only if no other writer creates it first. */
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)read_gives(&d, 404, NULL);
	assert_null(driver_header(&d, "If-Match"));
	assert_string_equal(driver_header(&d, "If-None-Match"), "*");
	ends(driver_answer(&d, 201, ""), ALMONER_OK, NULL);
	driver_close(&d);
}

static void a_write_that_loses_every_race_waits(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" DONOR ",\"repeat\":\"idempotent\",\"etag\":{\"url\":\"https://crm.example/v/{{id}}\"}}");
	sends(driver_start(&d, GIFT, ALMONER_DO), "GET", "https://crm.example/v/evt_1", ALMONER_READS);
	for (unsigned turn = 0; turn < 3; turn++) {
		(void)read_gives(&d, 200, turn % 2 == 0 ? "\"v1\"" : "\"v2\"");
		sends(driver_answer(&d, 412, ""), "GET", "https://crm.example/v/evt_1", ALMONER_READS);
	}
	(void)read_gives(&d, 200, "\"v2\"");
	ends(driver_answer(&d, 412, ""), ALMONER_BUSY, "another writer changed");
	driver_close(&d);
}

/* With weak ETags, or a proxy that rewrites them, each write is refused. A retry cannot help, so an operator
 * must see it. */
static void a_stale_etag_needs_an_operator(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" DONOR ",\"repeat\":\"idempotent\",\"etag\":{}}");
	for (unsigned there = 0; there < 2; there++) {
		(void)driver_start(&d, GIFT, ALMONER_DO);
		for (unsigned turn = 0; turn < 3; turn++) {
			(void)read_gives(&d, there ? 200 : 404, there ? "W/\"v1\"" : NULL);
			(void)driver_answer(&d, 412, "");
		}
		(void)read_gives(&d, there ? 200 : 404, there ? "W/\"v1\"" : NULL);
		ends(driver_answer(&d, 412, ""), ALMONER_REJECTED, "refuses the ETag");
	}
	driver_close(&d);
}

static void nothing_is_written_without_an_etag(void **state)
{
	(void)state;
	struct driver d;
	static const struct {
		uint32_t status;
		uint32_t result_class;
	} cases[] = { { 200, ALMONER_FAULT },
				  { 500, ALMONER_UNREACHABLE },
				  { 401, ALMONER_DENIED },
				  { 429, ALMONER_BUSY },
				  { 400, ALMONER_REJECTED } };
	opened(&d, "{" DONOR ",\"repeat\":\"unsafe\",\"etag\":{}}");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)driver_start(&d, GIFT, ALMONER_DO);
		ends(read_gives(&d, cases[i].status, NULL), cases[i].result_class, NULL);
	}
	driver_close(&d);
}

static void a_lost_race_is_looked_up_where_that_is_possible(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" DONOR ",\"repeat\":\"queryable\",\"etag\":{}" LOOKUP "}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)read_gives(&d, 200, "\"v1\"");
	assert_int_equal(driver_answer(&d, 412, "")->effect, ALMONER_READS);
	sends(driver_answer(&d, 200, "{\"items\":[]}"), "GET", "https://crm.example/donors/d-7", ALMONER_READS);
	(void)read_gives(&d, 200, "\"v2\"");
	(void)driver_answer(&d, 412, "");
	ends(driver_answer(&d, 200, "{\"items\":[{\"id\":\"g-1\"}]}"), ALMONER_OK, "found by look-up");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)read_gives(&d, 200, "\"v1\"");
	(void)driver_answer(&d, 412, "");
	ends(driver_answer(&d, 502, ""), ALMONER_UNKNOWN, NULL);
	driver_close(&d);
}

#define UNDO ",\"undo\":{\"method\":\"DELETE\",\"url\":\"https://crm.example/gifts/{{own.id}}\"}"

static void undo_uses_what_do_gave_back(void **state)
{
	(void)state;
	struct driver d;
	char do_key[33];
	opened(&d, "{" URL ",\"repeat\":\"keyed\"" UNDO "}");
	assert_int_equal(instance_traits(d.instance)->capabilities, ALMONER_CAN_UNDO);
	driver_step(&d, GIFT);
	driver_key(&d.step, "", do_key);
	d.step.purpose = ALMONER_UNDO;
	d.step.own_result = driver_text("{\"id\":\"g/1\"}");
	assert_int_equal(driver_begin(&d), 0);
	assert_int_equal(driver_next(&d, NULL), 0);
	sends(&d.action, "DELETE", "https://crm.example/gifts/g%2F1", ALMONER_EFFECTS);
	assert_string_not_equal(driver_header(&d, "Idempotency-Key"), do_key);
	ends(driver_answer(&d, 404, ""), ALMONER_OK, "nothing to undo");
	/* The result of DO is unknown and there is no look-up: the step needs an operator. */
	ends(driver_start(&d, GIFT, ALMONER_UNDO), ALMONER_REJECTED, "own.id");
	driver_close(&d);
}

static void undo_looks_first_when_nothing_is_known(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" URL ",\"repeat\":\"queryable\"" UNDO LOOKUP "}");
	assert_int_equal(driver_start(&d, GIFT, ALMONER_UNDO)->effect, ALMONER_READS);
	sends(driver_answer(&d, 200, "{\"items\":[{\"id\":\"g-9\"}]}"), "DELETE", "https://crm.example/gifts/g-9",
		  ALMONER_EFFECTS);
	ends(driver_answer(&d, 204, ""), ALMONER_OK, NULL);
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	ends(driver_answer(&d, 200, "{\"items\":[]}"), ALMONER_OK, "nothing to undo");
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	ends(driver_answer(&d, 503, ""), ALMONER_UNREACHABLE, NULL);
	/* An empty result counts as unknown. */
	driver_step(&d, GIFT);
	d.step.purpose = ALMONER_UNDO;
	d.step.own_result = driver_text("");
	assert_int_equal(driver_begin(&d), 0);
	assert_int_equal(driver_next(&d, NULL), 0);
	assert_int_equal(d.action.effect, ALMONER_READS);
	driver_close(&d);
}

/* DO was sent with its own key. A look-up with the key of the undo would find nothing, and the undo would
 * report "nothing to undo". */
static void an_undo_looks_for_the_do_by_its_key(void **state)
{
	(void)state;
	struct driver d;
	char key[33], undo_key[33], url[200];
	opened(&d,
		   "{" URL
		   ",\"repeat\":\"keyed\",\"undo\":{\"url\":\"https://crm.example/void/{{do_key}}/{{key}}\"}" LOOKUP
		   "}");
	driver_step(&d, GIFT);
	driver_key(&d.step, "", key);
	snprintf(url, sizeof url, "https://crm.example/gifts?key=%s", key);
	sends(driver_start(&d, GIFT, ALMONER_UNDO), "GET", url, ALMONER_READS);
	driver_key(&d.step, "", undo_key);
	assert_string_not_equal(key, undo_key);
	snprintf(url, sizeof url, "https://crm.example/void/%s/%s", key, undo_key);
	sends(driver_answer(&d, 200, "{\"items\":[{\"id\":\"g-9\"}]}"), "POST", url, ALMONER_EFFECTS);
	assert_string_equal(driver_header(&d, "Idempotency-Key"), undo_key);
	driver_close(&d);
}

static void undo_is_always_under_its_own_key(void **state)
{
	(void)state;
	struct driver d;
	char undo_key[33], wanted[64];
	opened(&d, "{" URL ",\"repeat\":\"keyed\",\"headers\":{\"idempotency-key\":\"gift-{{id}}\",\"X-A\":\"b\"}"
			   ",\"undo\":{\"url\":\"https://crm.example/void\"}}");
	const struct almoner_action *a = driver_start(&d, GIFT, ALMONER_DO);
	assert_string_equal(driver_header(&d, "idempotency-key"), "gift-evt_1");
	a = driver_start(&d, GIFT, ALMONER_UNDO);
	driver_key(&d.step, "", undo_key);
	assert_true(driver_is(a->http.body, GIFT));
	assert_string_equal(driver_header(&d, "Idempotency-Key"), undo_key);
	assert_string_equal(driver_header(&d, "X-A"), "b");
	driver_close(&d);
	opened(&d, "{" URL ",\"repeat\":\"keyed\",\"headers\":{\"Idempotency-Key\":\"charity-{{key}}\"},\"undo\":"
			   "{\"url\":\"https://crm.example/void\"}}");
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	snprintf(wanted, sizeof wanted, "charity-%s", undo_key);
	assert_string_equal(driver_header(&d, "Idempotency-Key"), wanted);
	driver_close(&d);
}

static void a_wrong_lookup_needs_an_operator(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{" URL ",\"repeat\":\"queryable\",\"undo\":{\"url\":\"https://crm.example/"
			   "void\"},\"lookup\":{\"url\":\"https://crm.example/g\","
			   "\"found\":\".cents\",\"equals\":\"{{amount.minor}}\"}}");
	(void)driver_start(&d, GIFT, ALMONER_LOOKUP);
	ends(driver_answer(&d, 200, "{\"cents\":2550}"), ALMONER_OK, NULL);
	(void)driver_start(&d, GIFT, ALMONER_LOOKUP);
	ends(driver_answer(&d, 200, "{\"cents\":9}"), ALMONER_EXISTS, "another record");
	(void)driver_start(&d, GIFT, ALMONER_LOOKUP);
	ends(driver_answer(&d, 200, "{\"cents\":null}"), ALMONER_ABSENT, NULL);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 409, "");
	ends(driver_answer(&d, 200, "{\"cents\":2550}"), ALMONER_OK, NULL);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 409, "");
	ends(driver_answer(&d, 200, "{\"cents\":9}"), ALMONER_EXISTS, "another record");
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	ends(driver_answer(&d, 200, "{\"cents\":9}"), ALMONER_REJECTED, "another record");
	driver_close(&d);
}

static void wrong_settings_are_explained(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{ "{" URL "}", "/repeat: is missing" },
		{ "{" URL ",\"repeat\":\"queryable\"}", "needs a lookup" },
		{ "{" URL ",\"repeat\":\"keyed\",\"repeat_ttl\":\"0\"}", "repeat_ttl" },
		{ "{" URL ",\"repeat\":\"keyed\",\"method\":\"post\"}", "upper case" },
		{ "{" URL ",\"repeat\":\"keyed\",\"headers\":{\"Host\":\"x\"}}", "Host is set by the gateway" },
		{ "{" URL ",\"repeat\":\"keyed\",\"headers\":{\"a b\":\"x\"}}", "not a valid header name" },
		{ "{" URL ",\"repeat\":\"keyed\",\"headers\":{\"X-A\":5}}", "must be a string" },
		{ "{" URL ",\"repeat\":\"keyed\",\"headers\":[]}", "must be an object" },
		{ "{" URL ",\"repeat\":\"keyed\",\"body\":{\"a\":\"{{\"}}", "body: a tag" },
		{ "{" URL ",\"repeat\":\"keyed\",\"method\":\"GET\",\"body\":{}}", "has no body" },
		{ "{" URL ",\"repeat\":\"keyed\",\"success\":{\"staus\":200}}", "\"staus\" is not a known member" },
		{ "{" URL ",\"repeat\":\"keyed\",\"success\":{\"status\":99}}", "100 to 599" },
		{ "{" URL ",\"repeat\":\"keyed\",\"success\":{\"equals\":1}}", "equals needs a path" },
		{ "{" URL ",\"repeat\":\"keyed\",\"undo\":{}}", "undo: url: is missing" },
		{ "{" URL ",\"repeat\":\"keyed\",\"undo\":{\"url\":\"/relative\"}}",
		  "undo: url: must be an absolute" },
		{ "{" URL ",\"repeat\":\"keyed\",\"lookup\":5}", "lookup: must be an object" },
		{ "{" URL ",\"repeat\":\"keyed\",\"etag\":true}", "etag: must be an object" },
		{ "{" URL ",\"repeat\":\"keyed\",\"etag\":{\"header\":1}}",
		  "etag: \"header\" is not a known member" },
		{ "{" URL ",\"repeat\":\"keyed\",\"etag\":{\"url\":\"/relative\"}}", "etag: url" },
		{ "{" URL ",\"repeat\":\"keyed\",\"etag\":{},\"headers\":{\"if-match\":\"*\"}}",
		  "etag: headers already contains if-match" },
		{ "{\"url\":\"https://{{host}}/\",\"repeat\":\"keyed\"}", "only after the host" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct driver d;
		assert_int_equal(driver_open(&d, http, wrong[i][0], NULL), ERR_INVALID);
		if (strstr(d.problems.data, wrong[i][1]) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", wrong[i][0], d.problems.data, wrong[i][1]);
		driver_close(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_request_is_the_event_itself),
		cmocka_unit_test(templates_make_address_headers_and_body),
		cmocka_unit_test(text_bodies_are_escaped_for_their_type),
		cmocka_unit_test(missing_values_reject_the_event),
		cmocka_unit_test(header_values_cannot_break_out),
		cmocka_unit_test(success_is_read_as_configured),
		cmocka_unit_test(retry_after_is_handed_on),
		cmocka_unit_test(existing_records_are_looked_up),
		cmocka_unit_test(lookups_find_or_do_not),
		cmocka_unit_test(writes_carry_the_etag_read),
		cmocka_unit_test(a_write_that_loses_every_race_waits),
		cmocka_unit_test(a_stale_etag_needs_an_operator),
		cmocka_unit_test(nothing_is_written_without_an_etag),
		cmocka_unit_test(a_lost_race_is_looked_up_where_that_is_possible),
		cmocka_unit_test(undo_uses_what_do_gave_back),
		cmocka_unit_test(undo_looks_first_when_nothing_is_known),
		cmocka_unit_test(an_undo_looks_for_the_do_by_its_key),
		cmocka_unit_test(undo_is_always_under_its_own_key),
		cmocka_unit_test(a_wrong_lookup_needs_an_operator),
		cmocka_unit_test(wrong_settings_are_explained),
	};
	http = shipped(&catalog, "http");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	catalog_destroy(catalog);
	return failed;
}
