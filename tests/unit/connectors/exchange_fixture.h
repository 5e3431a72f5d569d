/* What the exchange tests of the shipped connectors share. */
#ifndef ALMONER_TESTS_UNIT_CONNECTORS_EXCHANGE_FIXTURE_H
#define ALMONER_TESTS_UNIT_CONNECTORS_EXCHANGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/connector_driver.h"

#define GIFT                                                                                                 \
	"{\"id\":\"evt_1\",\"type\":\"donation.created\",\"gift\":\"pi_1\",\"occurred_at\":\"2026-11-23T21:15:"  \
	"00+01:00\","                                                                                            \
	"\"donor\":{\"id\":\"d-7\",\"name\":\"Ada King Lovelace\",\"email\":\"ada@example.org\"},"               \
	"\"amount\":{\"minor\":2550,\"value\":\"25.50\",\"currency\":\"EUR\"}}"

/* The connector with this name, loaded from the build folder. The caller destroys *ret_catalog. */
static inline const struct catalog_entry *shipped(struct catalog **ret_catalog, const char *name)
{
	const struct catalog_entry *entry = NULL;
	struct err err = { 0 };
	*ret_catalog = catalog_create(NULL, 0);
	if (catalog_find(*ret_catalog, name, &entry, &err) != 0)
		fail_msg("%s", err.text);
	return entry;
}

static inline void ends(const struct almoner_action *action, uint32_t result_class, const char *detail)
{
	assert_int_equal(action->kind, ALMONER_FINISH);
	if (action->done.result_class != result_class)
		fail_msg("class %u, wanted %u: %s", action->done.result_class, result_class, action->done.detail.p);
	if (detail != NULL && !driver_has(action->done.detail, detail))
		fail_msg("\"%s\" does not say \"%s\"", action->done.detail.p, detail);
}

static inline void sends(const struct almoner_action *action, const char *method, const char *url,
						 uint32_t effect)
{
	assert_int_equal(action->kind, ALMONER_SEND_HTTP);
	assert_string_equal(action->http.method.p, method);
	assert_string_equal(action->http.url.p, url);
	assert_int_equal(action->effect, effect);
}

#endif
