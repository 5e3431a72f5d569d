/* A folder of files, the configuration read from it, and the messages. */
#ifndef ALMONER_TESTS_UNIT_CONFIG_CONFIG_FIXTURE_H
#define ALMONER_TESTS_UNIT_CONFIG_CONFIG_FIXTURE_H

/* cmocka needs these four headers, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/config.h"

struct config_fixture {
	char dir[64];
	char *main_path;
	struct config_hooks hooks;
	struct config *config; /* of the last load, NULL when it failed */
	struct diagnostics found;
	int code;
};

void fixture_open(struct config_fixture *f);
void fixture_close(struct config_fixture *f);
/* Both for cmocka_unit_test_setup_teardown: *state is a struct config_fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* `name` may contain a folder, which is created. */
void fixture_write(struct config_fixture *f, const char *name, const char *text);
/* Loads main.json and drops the earlier result. */
void fixture_load(struct config_fixture *f);
/* Writes `text` as main.json and loads it. */
void fixture_load_text(struct config_fixture *f, const char *text);
/* fixture_load_text; the test fails on any error. */
void fixture_load_good(struct config_fixture *f, const char *text);

/* The first message that contains `part`; the test fails without one. */
const struct diagnostic *fixture_find(struct config_fixture *f, const char *part);
/* Fails the test unless a message has exactly this pointer and contains these parts; NULL: not compared. */
void fixture_expect(struct config_fixture *f, enum diag_severity severity, const char *pointer,
					const char *message, const char *expected);

/* The content of a file of the source tree, as a fresh text. */
char *fixture_source(const char *name);

#endif
