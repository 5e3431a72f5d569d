/* A folder of files, a configuration read from it, and what was complained of. */
#ifndef ALMONER_TESTS_UNIT_CONFIG_CONFIG_FIXTURE_H
#define ALMONER_TESTS_UNIT_CONFIG_CONFIG_FIXTURE_H

/* cmocka wants these four, in this order. */
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

/* `name` may stand in a folder, which is made. */
void fixture_write(struct config_fixture *f, const char *name, const char *text);
/* Loads main.json; the earlier result is dropped. */
void fixture_load(struct config_fixture *f);
/* Writes `text` as main.json and loads it. */
void fixture_load_text(struct config_fixture *f, const char *text);
/* The same, and it must be clean of errors. */
void fixture_load_good(struct config_fixture *f, const char *text);

/* The one complaint whose message holds `part`; fails the test when there is none. */
const struct diagnostic *fixture_find(struct config_fixture *f, const char *part);
/* Fails the test unless there is one with exactly this pointer and these parts; NULL: not looked at. */
void fixture_expect(struct config_fixture *f, enum diag_severity severity, const char *pointer,
					const char *message, const char *expected);

/* The whole text of a file of the source tree. Fresh. */
char *fixture_source(const char *name);

#endif
