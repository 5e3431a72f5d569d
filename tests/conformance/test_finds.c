/* The conformance suite finds each defect of the sloppy connector, and no fault if it has no defect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/plugin/load.h"
#include "tests/conformance/conformance.h"

static struct catalog_entry entry = { .name = "sloppy" };

/* Runs the suite on the connector with this defect; the findings go to `ret`. */
static void run(const char *defect, struct findings *ret)
{
	char settings[100];
	char canary[] = "canary-0815";
	char event[] = "{\"id\":\"e\"}";
	char *canaries[] = { canary };
	struct suite suite = { .event = event, .canaries = canaries, .canary_count = 1 };
	struct driver d;
	snprintf(settings, sizeof settings, "{\"defect\":\"%s\",\"secret\":\"%s\"}", defect, canary);
	assert_int_equal(driver_open(&d, &entry, settings, NULL), 0);
	conformance_preview(&d, &suite, entry.connector, ret);
	conformance_run(&d, &suite, 1, 100, ret);
	driver_close(&d);
}

static void each_defect_is_found(void **state)
{
	(void)state;
	static const char *const defects[][2] = {
		{ "other bytes", "other bytes the second time" },
		{ "doubt of a read", "only reading exchanges were sent" },
		{ "deletes to read", "declared as reading" },
		{ "gives up", "could not continue: no body" },
		{ "certainty", "sure of the outcome" },
		{ "secret", "the detail holds a secret" },
		{ "control", "control characters" },
		{ "silence", "no detail for the operator" },
		{ "broken result", "no JSON object" },
		{ "sentence", "the code has blanks" },
		{ "code", "the code holds a secret" },
		{ "deletes to read", "preview: \"do\" has no reply for DELETE http://127.0.0.1/" },
		{ "shown as rejected", "preview: \"do\" ends with class 6: done" },
		{ "part", "the outcome \"partial\", which only a look-up may have" },
	};
	for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
		struct findings f = { 0 };
		run(defects[i][0], &f);
		if (f.faults == 0 || strstr(f.lines.data, defects[i][1]) == NULL)
			fail_msg("\"%s\" was not found: %s", defects[i][0],
					 f.lines.data != NULL ? f.lines.data : "nothing");
		buf_free(&f.lines);
	}
}

/* The same connector without its preview. */
static void a_reader_without_a_preview_is_found(void **state)
{
	(void)state;
	struct almoner_connector bare = *entry.connector;
	char event[] = "{\"id\":\"e\"}";
	struct suite suite = { .event = event };
	bare.preview = NULL;
	for (uint16_t minor = 1; minor <= 2; minor++) {
		struct findings f = { 0 };
		struct driver d;
		bare.abi_minor = minor;
		assert_int_equal(driver_open(&d, &entry, "{\"defect\":\"doubt of a read\",\"secret\":\"s\"}", NULL),
						 0);
		conformance_preview(&d, &suite, &bare, &f);
		driver_close(&d);
		assert_int_equal(f.faults, minor == 1 ? 0 : 1);
		buf_free(&f.lines);
	}
}

static void a_correct_connector_passes(void **state)
{
	(void)state;
	struct findings f = { 0 };
	run("none", &f);
	assert_int_equal(f.faults, 0);
	assert_true(f.conversations > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_defect_is_found),
		cmocka_unit_test(a_reader_without_a_preview_is_found),
		cmocka_unit_test(a_correct_connector_passes),
	};
	struct err err = { 0 };
	if (load_connector(ALMONER_SLOPPY, "sloppy", &entry.connector, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
