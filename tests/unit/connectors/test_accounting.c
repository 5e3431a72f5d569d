/* Recorded conversations of the accounting connector with QuickBooks. */
#include "tests/unit/connectors/exchange_fixture.h"

static struct catalog *catalog;
static const struct catalog_entry *accounting;

#define BASE     "https://quickbooks.api.intuit.com/v3/company/4620816365"
#define SETTINGS "{\"realm_id\":\"4620816365\",\"access_token\":\"qb-secret-token\",\"item_ref\":\"19\"}"

static void opened(struct driver *d, const char *settings)
{
	if (driver_open(d, accounting, settings, NULL) != 0)
		fail_msg("%s: %s", settings, d->problems.data);
}

static void asks(const struct almoner_action *a, const char *part)
{
	assert_int_equal(a->kind, ALMONER_SEND_HTTP);
	assert_string_equal(a->http.method.p, "GET");
	assert_int_equal(a->effect, ALMONER_READS);
	if (strncmp(a->http.url.p, BASE "/query?query=", strlen(BASE "/query?query=")) != 0 ||
		!driver_has(a->http.url, part))
		fail_msg("%s", a->http.url.p);
}

static void posts(const struct almoner_action *a, const struct driver *d, const char *entity,
				  const char *label)
{
	char key[33];
	char url[300];
	struct almoner_step step = d->step;
	driver_key(&step, label, key);
	snprintf(url, sizeof url, BASE "/%srequestid=%s&minorversion=75", entity, key);
	sends(a, "POST", url, ALMONER_EFFECTS);
}

#define NO_CUSTOMER "{\"QueryResponse\":{}}"
#define ADA         "{\"QueryResponse\":{\"Customer\":[{\"Id\":\"42\",\"DisplayName\":\"Ada King Lovelace\"}]}}"
#define CREATED     "{\"SalesReceipt\":{\"Id\":\"900\",\"SyncToken\":\"0\",\"TotalAmt\":25.5}}"
#define FAULT(code, text)                                                                                    \
	"{\"Fault\":{\"Error\":[{\"Message\":\"" text "\",\"Detail\":\"more\",\"code\":\"" code                  \
	"\"}],\"type\":\"ValidationFault\"}}"

static void known_customer_gets_a_receipt(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	assert_int_equal(instance_traits(d.instance)->repeat, ALMONER_REPEAT_KEYED);
	assert_int_equal(instance_traits(d.instance)->capabilities,
					 ALMONER_CAN_UNDO | ALMONER_UNDO_IDEMPOTENT | ALMONER_CAN_LOOKUP);
	asks(driver_start(&d, GIFT, ALMONER_DO), "PrimaryEmailAddr%20%3D%20%27ada%40example.org%27");
	assert_string_equal(driver_header(&d, "Authorization"), "Bearer qb-secret-token");
	const struct almoner_action *a = driver_answer(&d, 200, ADA);
	posts(a, &d, "salesreceipt?", "");
	assert_string_equal(a->checkpoint.p, "{\"customer\":\"42\"}");
	assert_true(driver_has(a->http.body, "\"CustomerRef\":{\"value\":\"42\"}"));
	assert_true(driver_has(a->http.body, "\"Amount\":25.50,"));
	assert_true(driver_has(a->http.body, "\"TxnDate\":\"2026-11-23\""));
	assert_true(driver_has(a->http.body, "\"PaymentRefNum\":\"al-"));
	assert_true(driver_has(a->http.body, "\"PrivateNote\":\"almoner: forms/evt_1, gift pi_1\""));
	assert_true(driver_has(a->http.body, "\"CurrencyRef\":{\"value\":\"EUR\"}"));
	assert_true(driver_has(a->http.body, "\"ItemRef\":{\"value\":\"19\"}"));
	json_t *body = json_loadb(a->http.body.p, a->http.body.len, 0, NULL);
	assert_non_null(body);
	json_decref(body);
	a = driver_answer(&d, 200, CREATED);
	ends(a, ALMONER_OK, NULL);
	assert_true(driver_has(a->done.result, "{\"id\":\"900\",\"customer\":\"42\",\"reference\":\"al-"));
	driver_close(&d);
}

static void new_customer_is_made_first(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	asks(driver_answer(&d, 200, NO_CUSTOMER), "DisplayName%20%3D%20%27Ada%20King%20Lovelace%27");
	const struct almoner_action *a = driver_answer(&d, 200, NO_CUSTOMER);
	posts(a, &d, "customer?", "customer");
	assert_string_equal(a->http.body.p,
						"{\"DisplayName\":\"Ada King Lovelace\",\"PrimaryEmailAddr\":{\"Address\":"
						"\"ada@example.org\"},\"CurrencyRef\":{\"value\":\"EUR\"}}");
	assert_null(a->checkpoint.p);
	a = driver_answer(&d, 200, "{\"Customer\":{\"Id\":\"77\"}}");
	posts(a, &d, "salesreceipt?", "");
	assert_string_equal(a->checkpoint.p, "{\"customer\":\"77\"}");
	/* The next attempt starts at the checkpoint and sends the same bytes. */
	char *first = strdup(a->http.body.p);
	driver_step(&d, GIFT);
	d.step.attempt = 2;
	d.step.checkpoint = driver_text("{\"customer\":\"77\"}");
	assert_int_equal(driver_begin(&d), 0);
	assert_int_equal(driver_next(&d, NULL), 0);
	posts(&d.action, &d, "salesreceipt?", "");
	assert_string_equal(d.action.http.body.p, first);
	free(first);
	driver_close(&d);
}

static void namesakes_are_kept_apart(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 200, NO_CUSTOMER);
	const struct almoner_action *a = driver_answer(
		&d, 200,
		"{\"QueryResponse\":{\"Customer\":[{\"Id\":\"42\",\"DisplayName\":\"Ada King Lovelace\","
		"\"PrimaryEmailAddr\":{\"Address\":\"other@example.org\"}}]}}");
	posts(a, &d, "customer?", "customer");
	assert_true(driver_has(a->http.body, "\"DisplayName\":\"Ada King Lovelace (ada@example.org)\""));
	/* QuickBooks says that the name exists: the connector looks for that customer and uses it. */
	asks(driver_answer(&d, 400, FAULT("6240", "Duplicate Name Exists Error")),
		 "Lovelace%20%28ada%40example.org%29");
	posts(driver_answer(&d, 200, "{\"QueryResponse\":{\"Customer\":[{\"Id\":\"43\"}]}}"), &d, "salesreceipt?",
		  "");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 200, NO_CUSTOMER);
	(void)driver_answer(&d, 200, NO_CUSTOMER);
	(void)driver_answer(&d, 400, FAULT("6240", "Duplicate Name Exists Error"));
	ends(driver_answer(&d, 200, NO_CUSTOMER), ALMONER_REJECTED, "vendor");
	driver_close(&d);
}

static void names_are_quoted_in_queries(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	/* In a name a colon means a sub-customer, and a quote would end the string of the query. */
	asks(driver_start(
			 &d, "{\"donor\":{\"name\":\"O'Brien: \\\\ Co\"},\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}",
			 ALMONER_DO),
		 "DisplayName%20%3D%20%27O%5C%27Brien%20%20%5C%5C%20Co%27");
	asks(driver_start(&d, "{\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}", ALMONER_DO),
		 "%27Anonymous%20donor%27");
	driver_close(&d);
}

static void currencies_must_agree(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	ends(driver_answer(
			 &d, 200,
			 "{\"QueryResponse\":{\"Customer\":[{\"Id\":\"42\",\"CurrencyRef\":{\"value\":\"USD\"}}]}}"),
		 ALMONER_REJECTED, "currency is USD and the gift is in EUR");
	driver_close(&d);
	opened(&d, "{\"realm_id\":\"1\",\"access_token\":\"t\",\"item_ref\":\"19\",\"home_currency\":\"EUR\","
			   "\"deposit_account\":\"35\"}");
	(void)driver_start(&d, GIFT, ALMONER_DO);
	const struct almoner_action *a = driver_answer(&d, 200, ADA);
	assert_false(driver_has(a->http.body, "CurrencyRef"));
	assert_true(driver_has(a->http.body, "\"DepositToAccountRef\":{\"value\":\"35\"}"));
	driver_close(&d);
}

struct expected_outcome {
	uint32_t status;
	const char *body;
	uint32_t after_read;
	uint32_t after_effect;
};

/* The code without the zeros in front, as the vendor's documents write it. */
static void the_vendors_code_goes_with_the_outcome(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 200, ADA);
	assert_true(driver_is(driver_answer(&d, 400, FAULT("006210", "closed period"))->done.code, "6210"));
	(void)driver_start(&d, GIFT, ALMONER_DO);
	assert_null(driver_answer(&d, 502, "<html>")->done.code.p);
	driver_close(&d);
}

static void faults_have_their_class(void **state)
{
	(void)state;
	static const struct expected_outcome outcomes[] = {
		{ 200, FAULT("6000", "business"), ALMONER_REJECTED, ALMONER_REJECTED },
		{ 400, FAULT("2500", "reference"), ALMONER_REJECTED, ALMONER_REJECTED },
		{ 400, FAULT("4242", "validation of a kind nobody listed"), ALMONER_REJECTED, ALMONER_REJECTED },
		{ 400, FAULT("003200", "token"), ALMONER_DENIED, ALMONER_DENIED },
		{ 401, "{\"fault\":{\"error\":[{\"message\":\"m\",\"code\":\"3200\"}],\"type\":\"AUTHENTICATION\"}}",
		  ALMONER_DENIED, ALMONER_DENIED },
		{ 403, "", ALMONER_FORBIDDEN, ALMONER_FORBIDDEN },
		{ 429, "{\"fault\":{\"error\":[{\"code\":\"003001\"}]}}", ALMONER_BUSY, ALMONER_BUSY },
		{ 200, FAULT("3001", "throttled"), ALMONER_BUSY, ALMONER_BUSY },
		{ 500, FAULT("10000", "system"), ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
		{ 502, "<html>", ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
		{ 200, "<html>", ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
		{ 200, "{}", 0, ALMONER_UNKNOWN },
		{ 200, "{\"Fault\":{\"type\":\"SystemFault\"}}", ALMONER_UNREACHABLE, ALMONER_UNKNOWN },
	};
	struct driver d;
	opened(&d, SETTINGS);
	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
		(void)driver_start(&d, GIFT, ALMONER_DO);
		if (outcomes[i].after_read != 0)
			ends(driver_answer(&d, outcomes[i].status, outcomes[i].body), outcomes[i].after_read, NULL);
		(void)driver_start(&d, GIFT, ALMONER_DO);
		(void)driver_answer(&d, 200, ADA);
		ends(driver_answer(&d, outcomes[i].status, outcomes[i].body), outcomes[i].after_effect, NULL);
	}
	driver_close(&d);
}

#define FOUND(id, total)                                                                                     \
	"{\"QueryResponse\":{\"SalesReceipt\":[{\"Id\":\"" id "\",\"SyncToken\":\"3\",\"TotalAmt\":" total "}]}" \
	"}"

static void lookups_compare_amounts(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	asks(driver_start(&d, GIFT, ALMONER_LOOKUP), "PaymentRefNum%20%3D%20%27al-");
	ends(driver_answer(&d, 200, FOUND("900", "25.50")), ALMONER_OK, "found");
	assert_true(driver_has(d.action.done.result, "\"id\":\"900\""));
	(void)driver_start(&d, GIFT, ALMONER_LOOKUP);
	ends(driver_answer(&d, 200, FOUND("900", "0")), ALMONER_EXISTS, "voided");
	(void)driver_start(&d, GIFT, ALMONER_LOOKUP);
	ends(driver_answer(&d, 200, NO_CUSTOMER), ALMONER_ABSENT, NULL);
	(void)driver_start(&d, GIFT, ALMONER_DO);
	(void)driver_answer(&d, 200, ADA);
	asks(driver_answer(&d, 400, FAULT("6140", "Duplicate Document Number")), "PaymentRefNum");
	ends(driver_answer(&d, 200, FOUND("900", "25.5")), ALMONER_OK, NULL);
	driver_close(&d);
}

static void undo_voids_the_version_it_read(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	driver_step(&d, GIFT);
	d.step.purpose = ALMONER_UNDO;
	d.step.own_result = driver_text("{\"id\":\"900\"}");
	assert_int_equal(driver_begin(&d), 0);
	assert_int_equal(driver_next(&d, NULL), 0);
	asks(&d.action, "where%20Id%20%3D%20%27900%27");
	const struct almoner_action *a = driver_answer(&d, 200, FOUND("900", "25.5"));
	posts(a, &d, "salesreceipt?operation=update&include=void&", "void-3");
	assert_string_equal(a->http.body.p, "{\"Id\":\"900\",\"SyncToken\":\"3\",\"sparse\":true}");
	/* Another user edited the receipt meanwhile: it is read once more, and the second time the step waits. */
	asks(driver_answer(&d, 400, FAULT("5010", "Stale Object Error")), "900");
	(void)driver_answer(&d, 200, FOUND("900", "25.5"));
	ends(driver_answer(&d, 400, FAULT("5010", "Stale Object Error")), ALMONER_BUSY, NULL);
	driver_close(&d);
}

static void undo_of_nothing_is_done(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	asks(driver_start(&d, GIFT, ALMONER_UNDO), "PaymentRefNum");
	ends(driver_answer(&d, 200, NO_CUSTOMER), ALMONER_OK, "nothing to void");
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	ends(driver_answer(&d, 200, FOUND("900", "0.00")), ALMONER_OK, "void already");
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	(void)driver_answer(&d, 200, FOUND("900", "25.5"));
	ends(driver_answer(&d, 400, FAULT("6540", "deposited")), ALMONER_REJECTED, "deposited");
	(void)driver_start(&d, GIFT, ALMONER_UNDO);
	(void)driver_answer(&d, 200, FOUND("900", "25.5"));
	ends(driver_answer(&d, 200, CREATED), ALMONER_OK, NULL);
	driver_close(&d);
}

static void events_without_money_are_rejected(void **state)
{
	(void)state;
	struct driver d;
	opened(&d, SETTINGS);
	ends(driver_start(&d, "{\"amount\":{\"currency\":\"EUR\"}}", ALMONER_DO), ALMONER_REJECTED,
		 "amount.minor");
	ends(driver_start(&d, "{\"amount\":{\"minor\":25.5,\"currency\":\"EUR\"}}", ALMONER_DO), ALMONER_REJECTED,
		 "amount.minor");
	ends(driver_start(&d, "{\"amount\":{\"minor\":0,\"currency\":\"EUR\"}}", ALMONER_DO), ALMONER_REJECTED,
		 "more than 0");
	ends(driver_start(&d, "{\"amount\":{\"minor\":1}}", ALMONER_DO), ALMONER_REJECTED, "amount.currency");
	driver_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_customer_gets_a_receipt),
		cmocka_unit_test(new_customer_is_made_first),
		cmocka_unit_test(namesakes_are_kept_apart),
		cmocka_unit_test(names_are_quoted_in_queries),
		cmocka_unit_test(currencies_must_agree),
		cmocka_unit_test(faults_have_their_class),
		cmocka_unit_test(the_vendors_code_goes_with_the_outcome),
		cmocka_unit_test(lookups_compare_amounts),
		cmocka_unit_test(undo_voids_the_version_it_read),
		cmocka_unit_test(undo_of_nothing_is_done),
		cmocka_unit_test(events_without_money_are_rejected),
	};
	accounting = shipped(&catalog, "accounting");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	catalog_destroy(catalog);
	return failed;
}
