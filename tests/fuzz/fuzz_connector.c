/* Any replies to each shipped connector: it answers with a request or an outcome, and no text of an outcome holds the
 * secret of its settings. As the host does, the target stops after 16 exchanges.
 *
 * The first byte chooses connector and purpose. Then follow replies: one byte of status, and a body up to a NUL. */
#include <stdio.h>
#include <stdlib.h>

#include "saga/base/check.h"
#include "saga/base/mem.h"
#include "tests/fuzz/target.h"
#include "tests/support/connector_driver.h"

#define SECRET        "canary-4711"
#define EXCHANGES_MAX 16 /* of one attempt, as in the engine */

static const struct {
	const char *name, *settings;
} shipped[] = {
	{ "accounting", "{\"realm_id\":\"46\",\"access_token\":\"" SECRET "\",\"item_ref\":\"19\"}" },
	{ "crm",
	  "{\"base_url\":\"https://charity.example\",\"api_key\":\"" SECRET "\",\"anonymous_contact\":3}" },
	{ "email",
	  "{\"host\":\"mail.example\",\"from\":\"a@charity.example\",\"username\":\"u\",\"password\":\"" SECRET
	  "\",\"subject\":\"Thank you {{donor.name?}}\",\"text\":\"thanks.txt\"}" },
	{ "http",
	  "{\"url\":\"https://crm.example/"
	  "{{fund}}\",\"repeat\":\"queryable\",\"headers\":{\"Authorization\":\"Bearer " SECRET
	  "\"},\"body\":{\"id\":\"{{id}}\"},\"id\":\".id\",\"error\":\".error\",\"success\":{\"path\":\".ok\"},"
	  "\"undo\":{\"method\":\"DELETE\",\"url\":\"https://crm.example/{{own.id}}\"},"
	  "\"lookup\":{\"url\":\"https://crm.example/"
	  "?key={{key}}\",\"found\":\".items.0\",\"id\":\".items.0.id\"}}" },
};
#define CONNECTORS (sizeof shipped / sizeof shipped[0])

static const char event[] =
	"{\"id\":\"evt_1\",\"type\":\"donation.created\",\"gift\":\"pi_1\",\"occurred_at\":\"2026-11-23T21:15:00+"
	"01:00\","
	"\"donor\":{\"id\":\"d-7\",\"name\":\"Ada King\",\"email\":\"ada@example.org\",\"phone\":\"+39 1\"},"
	"\"amount\":{\"minor\":2550,\"value\":\"25.50\",\"currency\":\"EUR\"},\"fund\":\"roof\"}";

/* The same connector stays open for all inputs, as in the daemon. */
static struct driver *driver_of(size_t i)
{
	static struct driver drivers[CONNECTORS];
	static struct catalog *catalog;
	struct err err = { 0 };
	const struct catalog_entry *entry = NULL;
	if (catalog == NULL)
		catalog = catalog_create(NULL, 0);
	if (drivers[i].instance == NULL) {
		int rc = catalog_find(catalog, shipped[i].name, &entry, &err);
		if (rc == 0)
			rc = driver_open(&drivers[i], entry, shipped[i].settings, ALMONER_SUITES);
		if (rc != 0)
			fprintf(stderr, "%s: %s%s\n", shipped[i].name, err.text, buf_str(&drivers[i].problems).p);
		assert(rc == 0);
	}
	return &drivers[i];
}

static void check_secret_free(struct almoner_text text)
{
	assert(text.len == 0 || memmem(text.p, text.len, SECRET, strlen(SECRET)) == NULL);
}

/* One reply of the peer, and what the connector does with it. False: the attempt is over. */
static bool play(struct driver *d, struct str *rest)
{
	static const uint32_t statuses[] = { 200, 201, 204, 301, 400, 401, 403, 404, 408,
										 409, 412, 422, 425, 429, 500, 502, 503 };
	uint8_t choice = fuzz_byte(rest);
	struct str body = fuzz_until(rest, '\0');
	const struct almoner_header headers[] = { { driver_text("ETag"), driver_text("\"1\"") } };
	struct almoner_reply reply = {
		.size = sizeof reply,
		.status = choice < 0x80 ? statuses[choice % (sizeof statuses / sizeof statuses[0])] : 200U + choice,
		.headers = headers,
		.header_count = choice & 1,
		.body = { body.p, body.len },
		.truncated = choice == 0x7f,
	};
	if (driver_next(d, &reply) != 0)
		return false;
	if (d->action.kind != ALMONER_FINISH)
		return true;
	check_secret_free(d->action.done.detail);
	check_secret_free(d->action.done.result);
	return false;
}

/* The host asks a connector only for what it declares. */
static uint32_t purpose_of(const struct driver *d, unsigned choice)
{
	uint32_t capabilities = instance_traits(d->instance)->capabilities;
	if (choice == 1 && (capabilities & ALMONER_CAN_UNDO) != 0)
		return ALMONER_UNDO;
	return choice == 2 && (capabilities & ALMONER_CAN_LOOKUP) != 0 ? ALMONER_LOOKUP : ALMONER_DO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	uint8_t choice = fuzz_byte(&rest);
	struct driver *d = driver_of(choice % CONNECTORS);
	driver_step(d, event);
	d->step.purpose = purpose_of(d, choice / CONNECTORS % 3);
	if (driver_begin(d) != 0)
		return 0;
	bool more = driver_next(d, NULL) == 0 && d->action.kind != ALMONER_FINISH;
	for (int exchange = 0; more && exchange < EXCHANGES_MAX; exchange++)
		more = play(d, &rest);
	driver_end(d);
	return 0;
}
