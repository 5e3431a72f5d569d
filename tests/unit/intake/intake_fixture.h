/* A configuration from a text, requests with headers, and the accepts that the pipeline makes of them. */
#ifndef ALMONER_UNIT_INTAKE_FIXTURE_H
#define ALMONER_UNIT_INTAKE_FIXTURE_H

/* cmocka needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/intake/pipeline/prepare.h"

/* Reads a whole configuration; fails the test and prints all errors if it has any. The caller owns the
 * reference. */
struct config *fixture_config(const char *json);
/* A configuration with listen, store, three http targets, and these sources and routes: `sources` is the
 * text inside the braces, `routes` the text inside the brackets. */
struct config *fixture_config_of(const char *sources, const char *routes);
struct rules *fixture_rules(const char *sources, const char *routes);

/* `headers`: "Name: value" texts, ended by NULL; borrowed. */
struct intake_request fixture_request(const char *body, const char *const *headers);

/* Runs the pipeline; fails the test if it gives no accept. Free with prepare_destroy. */
struct prepared *fixture_prepare(struct rules *rules, const char *source, const char *body,
								 const char *const *headers);

#endif
