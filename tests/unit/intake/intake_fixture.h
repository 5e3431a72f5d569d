/* A configuration from text, requests with headers, and what becomes of them. */
#ifndef ALMONER_UNIT_INTAKE_FIXTURE_H
#define ALMONER_UNIT_INTAKE_FIXTURE_H

/* cmocka needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/intake/pipeline/prepare.h"

/* Reads the whole configuration; fails the test with all complaints. The caller owns the reference. */
struct config *fixture_config(const char *json);
/* {"listen":…,"store":…} and three http targets around `sources` and `routes`, both the inside of their
 * brackets. */
struct config *fixture_config_of(const char *sources, const char *routes);
struct rules *fixture_rules(const char *sources, const char *routes);

/* Headers are "Name: value" texts, NULL at the end. */
struct intake_request fixture_request(const char *body, const char *const *headers);

/* Runs prepare; fails the test unless it gives something. Free with prepare_destroy. */
struct prepared *fixture_prepare(struct rules *rules, const char *source, const char *body,
								 const char *const *headers);

#endif
