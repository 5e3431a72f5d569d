/* Recorded conversations of the crm connector with CiviCRM. */
#include "tests/unit/connectors/exchange_fixture.h"

static struct catalog *catalog;
static const struct catalog_entry *crm;

#define BASE     "https://charity.example/civicrm/ajax/api4"
#define SETTINGS "{\"base_url\":\"https://charity.example/\",\"api_key\":\"civi-secret-key\"}"

static void opened(struct driver *d, const char *settings)
{
	if (driver_open(d, crm, settings, NULL) != 0)
		fail_msg("%s: %s", settings, d->problems.data);
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* The JSON in the form field `params`; the caller releases it with json_decref. */
static json_t *params_of(const struct almoner_action *a)
{
	struct buf text AUTO_BUF = { 0 };
	assert_memory_equal(a->http.body.p, "params=", 7);
	for (const char *p = a->http.body.p + 7; *p != '\0'; p++) {
		if (*p != '%') {
			buf_byte(&text, (uint8_t)*p);
			continue;
		}
		buf_byte(&text, (uint8_t)(hex_digit(p[1]) * 16 + hex_digit(p[2])));
		p += 2;
	}
	json_t *params = json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
	if (params == NULL)
		fail_msg("%s", text.data);
	return params;
}

/* Fails unless the action calls entity/action of the API with parameters that contain `part` as compact
 * JSON. */
static void calls(const struct almoner_action *a, const char *path, uint32_t effect, const char *part)
{
	char url[200];
	snprintf(url, sizeof url, BASE "/%s", path);
	sends(a, "POST", url, effect);
	json_t *params = params_of(a);
	char *text = json_dumps(params, JSON_COMPACT);
	if (strstr(text, part) == NULL)
		fail_msg("%s does not hold %s", text, part);
	free(text);
	json_decref(params);
}

#define VALUES(list) "{\"version\":4,\"values\":[" list "]}"
#define ERROR(text)  "{\"error_code\":0,\"error_message\":\"" text "\",\"status\":500}"
#define ADA          "{\"id\":12,\"first_name\":\"Ada King\",\"last_name\":\"Lovelace\"}"

static void known_contact_gets_a_contribution(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	assert_int_equal(instance_traits(d.instance)->repeat, ALMONER_REPEAT_QUERYABLE);
	calls(driver_start(&d, GIFT, ALMONER_DO), "Contact/get", ALMONER_READS,
		  "\"where\":[[\"email_primary.email\",\"=\",\"ada@example.org\"],[\"is_deleted\",\"=\",false]]");
	assert_string_equal(driver_header(&d, "X-Civi-Auth"), "Bearer civi-secret-key");
	assert_string_equal(driver_header(&d, "X-Requested-With"), "XMLHttpRequest");
	assert_string_equal(driver_header(&d, "Content-Type"), "application/x-www-form-urlencoded");
	const struct almoner_action *a = driver_answer(&d, 200, VALUES(ADA));
	calls(a, "Contribution/create", ALMONER_EFFECTS, "\"contact_id\":12,");
	calls(a, "Contribution/create", ALMONER_EFFECTS,
		  "\"currency\":\"EUR\",\"trxn_id\":\"almoner:forms:evt_1:books\"");
	calls(a, "Contribution/create", ALMONER_EFFECTS, "\"receive_date\":\"2026-11-23 21:15:00\"");
	assert_true(driver_has(a->http.body, "%22total_amount%22%3A25.50"));
	assert_string_equal(a->checkpoint.p, "{\"contact\":12}");
	a = driver_answer(&d, 200, VALUES("{\"id\":501}"));
	ends(a, ALMONER_OK, NULL);
	assert_string_equal(a->done.result.p,
						"{\"id\":\"501\",\"contact\":\"12\",\"trxn_id\":\"almoner:forms:evt_1:books\"}");
	driver_close(&d);
}

static void new_contact_carries_only_what_the_event_has(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	const struct almoner_action *a = driver_answer(&d, 200, VALUES(""));
	calls(a, "Contact/create", ALMONER_EFFECTS,
		  "{\"contact_type\":\"Individual\",\"first_name\":\"Ada King\",\"last_name\":\"Lovelace\","
		  "\"email_primary.email\":\"ada@example.org\",\"source\":\"al-");
	assert_false(driver_has(a->http.body, "null"));
	assert_false(driver_has(a->http.body, "phone"));
	assert_false(driver_has(a->http.body, "external_identifier"));
	a = driver_answer(&d, 200, VALUES("{\"id\":\"88\"}"));
	calls(a, "Contribution/create", ALMONER_EFFECTS, "\"contact_id\":88,");
	assert_string_equal(a->checkpoint.p, "{\"contact\":88}");
	driver_step(&d, GIFT);
	d.step.checkpoint = driver_text("{\"contact\":88}");
	assert_int_equal(driver_begin(&d), 0);
	assert_int_equal(driver_next(&d, NULL), 0);
	calls(&d.action, "Contribution/create", ALMONER_EFFECTS, "\"contact_id\":88,");
	driver_close(&d);
}

#define HALF "{\"id\":12,\"first_name\":null,\"last_name\":\"Byron\"}"

static void existing_data_is_filled_in_kept_or_overwritten(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	calls(driver_answer(&d, 200, VALUES(HALF)), "Contact/update", ALMONER_EFFECTS,
		  "{\"where\":[[\"id\",\"=\",12]],\"values\":{\"first_name\":\"Ada King\"}}");
	calls(driver_answer(&d, 200, VALUES("{\"id\":12}")), "Contribution/create", ALMONER_EFFECTS,
		  "\"contact_id\":12");
	driver_close(&d);
	opened(&d, "{\"base_url\":\"https://charity.example\",\"api_key\":\"k\",\"existing\":\"keep\"}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	calls(driver_answer(&d, 200, VALUES(HALF)), "Contribution/create", ALMONER_EFFECTS, "");
	driver_close(&d);
	opened(&d, "{\"base_url\":\"https://charity.example\",\"api_key\":\"k\",\"existing\":\"overwrite\"}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	calls(driver_answer(&d, 200, VALUES(HALF)), "Contact/update", ALMONER_EFFECTS,
		  "\"values\":{\"first_name\":\"Ada King\",\"last_name\":\"Lovelace\"}");
	/* A field that the event lacks never changes. */
	(void)driver_start(
		&d, "{\"donor\":{\"email\":\"a@b.example\"},\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}",
		ALMONER_DO);
	calls(driver_answer(&d, 200, VALUES(HALF)), "Contribution/create", ALMONER_EFFECTS, "");
	driver_close(&d);
}

static void donors_are_matched_as_configured(void **state)
{
	(void)state;
	struct driver d;
	opened(&d,
		   "{\"base_url\":\"https://charity.example\",\"api_key\":\"k\",\"match\":\"external_identifier\","
		   "\"anonymous_contact\":3}");
	calls(driver_start(&d, GIFT, ALMONER_DO), "Contact/get", ALMONER_READS,
		  "[\"external_identifier\",\"=\",\"d-7\"]");
	calls(driver_answer(&d, 200, VALUES("")), "Contact/create", ALMONER_EFFECTS,
		  "\"external_identifier\":\"d-7\"");
	/* The donor has only a name: after a lost reply, our reference finds the contact again. */
	calls(driver_start(&d, "{\"donor\":{\"name\":\"Plato\"},\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}",
					   ALMONER_DO),
		  "Contact/get", ALMONER_READS, "[\"source\",\"=\",\"al-");
	calls(driver_start(&d, "{\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}", ALMONER_DO),
		  "Contribution/create", ALMONER_EFFECTS, "\"contact_id\":3,");
	driver_close(&d);
	opened(&d, SETTINGS);
	ends(driver_start(&d, "{\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}", ALMONER_DO), ALMONER_REJECTED,
		 "names no donor");
	driver_close(&d);
}

static void duplicates_are_looked_up(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	static const char duplicate[] = ERROR("Duplicate error - existing contribution record(s)");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 200, VALUES(ADA));
	calls(driver_answer(&d, 500, duplicate), "Contribution/get", ALMONER_READS,
		  "[[\"trxn_id\",\"=\",\"almoner:forms:evt_1:books\"]]");
	ends(driver_answer(&d, 200,
					   VALUES("{\"id\":501,\"contact_id\":12,\"total_amount\":25.5,\"currency\":\"EUR\"}")),
		 ALMONER_OK, "found");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 200, VALUES(ADA));
	(void)driver_answer(&d, 500, duplicate);
	ends(driver_answer(&d, 200, VALUES("")), ALMONER_EXISTS, NULL);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 200, VALUES(ADA));
	(void)driver_answer(&d, 500, duplicate);
	ends(driver_answer(&d, 502, ""), ALMONER_UNKNOWN, NULL);
	driver_close(&d);
}

static void lookups_compare_what_they_find(void **state)
{
	(void)state;
	static const struct {
		const char *values;
		uint32_t result_class;
	} cases[] = {
		{ VALUES("{\"id\":501,\"total_amount\":\"25.50\",\"currency\":\"EUR\"}"), ALMONER_OK },
		{ VALUES("{\"id\":501,\"total_amount\":25.5}"), ALMONER_OK },
		{ VALUES("{\"id\":501,\"total_amount\":26}"), ALMONER_EXISTS },
		{ VALUES("{\"id\":501,\"total_amount\":25.5,\"currency\":\"USD\"}"), ALMONER_EXISTS },
		{ VALUES("{\"id\":501,\"total_amount\":25.5,\"contribution_status_id:name\":\"Cancelled\"}"),
		  ALMONER_EXISTS },
		{ VALUES(""), ALMONER_ABSENT },
		{ "<html>log in</html>", ALMONER_UNREACHABLE },
		{ "{\"count\":0}", ALMONER_UNREACHABLE },
	};
	struct driver d;
	opened(&d, SETTINGS);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)driver_start(&d, GIFT, ALMONER_LOOKUP);
		ends(driver_answer(&d, 200, cases[i].values), cases[i].result_class, NULL);
	}
	driver_close(&d);
}

static void errors_have_their_class(void **state)
{
	(void)state;
	static const struct {
		uint32_t status;
		const char *body;
		uint32_t after_read;
		uint32_t after_effect;
	} cases[] = {
		{ 500, ERROR("DB Error: deadlock"), ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
		{ 500, ERROR("Mandatory values missing from Api4 Contribution::create"), ALMONER_REJECTED,
		  ALMONER_REJECTED },
		{ 500, "", ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
		{ 401, "", ALMONER_DENIED, ALMONER_DENIED },
		{ 403, ERROR("Authorization failed"), ALMONER_FORBIDDEN, ALMONER_FORBIDDEN },
		{ 400, "", ALMONER_REJECTED, ALMONER_REJECTED },
		{ 405, "", ALMONER_REJECTED, ALMONER_REJECTED },
		{ 503, "maintenance", ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
		{ 200, "<html>", ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
		{ 200, ERROR("anything"), ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
	};
	struct driver d;
	opened(&d, SETTINGS);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)driver_start(&d, GIFT, ALMONER_DO);
		ends(driver_answer(&d, cases[i].status, cases[i].body), cases[i].after_read, NULL);
		(void)driver_start(&d, GIFT, ALMONER_DO);
		(void)driver_answer(&d, 200, VALUES(ADA));
		ends(driver_answer(&d, cases[i].status, cases[i].body), cases[i].after_effect, NULL);
	}
	driver_close(&d);
}

static void the_code_of_civicrm_goes_with_the_outcome(void **state)
{
	(void)state;
	static const struct {
		const char *body, *code; /* NULL: none */
	} cases[] = {
		{ "{\"error_code\":1062,\"error_message\":\"DB Error\"}", "1062" },
		{ "{\"error_code\":\"mandatory_missing\",\"error_message\":\"x\"}", "mandatory_missing" },
		{ "{\"error_code\":0,\"error_message\":\"x\"}", NULL },
		{ "", NULL },
	};
	struct driver d;
	opened(&d, SETTINGS);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)driver_start(&d, GIFT, ALMONER_DO);
		struct almoner_text code = driver_answer(&d, 500, cases[i].body)->done.code;
		assert_int_equal(code.p != NULL, cases[i].code != NULL);
		if (cases[i].code != NULL)
			assert_string_equal(code.p, cases[i].code);
	}
	driver_close(&d);
}

static void undo_cancels(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	driver_step(&d, GIFT);
	d.step.purpose = ALMONER_UNDO;
	d.step.own_result = driver_text("{\"id\":\"501\"}");
	assert_int_equal(driver_begin(&d), 0);
	assert_int_equal(driver_next(&d, NULL), 0);
	calls(&d.action, "Contribution/update", ALMONER_EFFECTS,
		  "\"values\":{\"contribution_status_id:name\":\"Cancelled\"}");
	ends(driver_answer(&d, 200, VALUES("{\"id\":501}")), ALMONER_OK, NULL);
	calls(driver_start(&d, GIFT, ALMONER_UNDO), "Contribution/get", ALMONER_READS, "trxn_id");
	ends(driver_answer(&d, 200, VALUES("")), ALMONER_OK, "nothing to cancel");
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	calls(driver_answer(&d, 200, VALUES("{\"id\":501}")), "Contribution/update", ALMONER_EFFECTS,
		  "[\"id\",\"=\",501]");
	ends(driver_answer(&d, 200, VALUES("")), ALMONER_OK, "already");
	driver_close(&d);
}

static void further_fields_and_transaction_ids_are_templates(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, "{\"base_url\":\"https://charity.example\",\"api_key\":\"k\",\"trxn_id\":\"{{gift}}\","
			   "\"contribution\":{\"campaign_id:name\":\"{{campaign?}}\",\"Gift.type\":\"{{type}}\"}}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	const struct almoner_action *a = driver_answer(&d, 200, VALUES(ADA));
	calls(a, "Contribution/create", ALMONER_EFFECTS, "\"trxn_id\":\"pi_1\"");
	calls(a, "Contribution/create", ALMONER_EFFECTS, "\"Gift.type\":\"donation.created\"");
	assert_false(driver_has(a->http.body, "campaign_id"));
	driver_close(&d);
	assert_int_equal(
		driver_open(&d, crm,
					"{\"base_url\":\"https://c.example\",\"api_key\":\"k\",\"contribution\":{\"trxn_id\":1}}",
					NULL),
		ERR_INVALID);
	assert_non_null(strstr(d.problems.data, "trxn_id is set by the connector"));
	driver_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_contact_gets_a_contribution),
		cmocka_unit_test(new_contact_carries_only_what_the_event_has),
		cmocka_unit_test(existing_data_is_filled_in_kept_or_overwritten),
		cmocka_unit_test(donors_are_matched_as_configured),
		cmocka_unit_test(duplicates_are_looked_up),
		cmocka_unit_test(lookups_compare_what_they_find),
		cmocka_unit_test(errors_have_their_class),
		cmocka_unit_test(the_code_of_civicrm_goes_with_the_outcome),
		cmocka_unit_test(undo_cancels),
		cmocka_unit_test(further_fields_and_transaction_ids_are_templates),
	};
	crm = shipped(&catalog, "crm");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	catalog_destroy(catalog);
	return failed;
}
