/* almoner-conformance CONNECTOR.so SUITE.json [SEED [ROUNDS]]: does a connector follow the rules of the
 * interface?
 *
 * Exit code 0: no fault was found; 1: faults were found and printed; 2: the connector could not be tried.
 * tests/conformance/README.md describes the file of a suite. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/plugin/load.h"
#include "saga/base/mem.h"
#include "tests/conformance/conformance.h"

/* The connector's name in a file name: "http" for "…/almoner_http.so" and "…/http.so". The caller frees
 * it. */
static char *name_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash != NULL ? slash + 1 : file;
	if (strncmp(base, "almoner_", 8) == 0)
		base += 8;
	return mem_strndup(base, strcspn(base, "."));
}

static int try_connector(const struct catalog_entry *entry, const struct suite *suite, uint64_t seed,
						 size_t rounds)
{
	struct driver d;
	struct findings f = { 0 };
	char *settings AUTO_FREE = json_dumps(suite->settings, JSON_COMPACT);
	if (driver_open(&d, entry, settings, suite->base_dir) != 0) {
		printf("the settings are refused:\n%s", d.problems.data);
		driver_close(&d);
		return 2;
	}
	conformance_preview(&d, suite, entry->connector, &f);
	conformance_run(&d, suite, seed, rounds, &f);
	driver_close(&d);
	printf("%s: %zu conversations, %zu exchanges, seed %llu: %zu faults\n%s", entry->name, f.conversations,
		   f.exchanges, (unsigned long long)seed, f.faults, f.lines.data != NULL ? f.lines.data : "");
	buf_free(&f.lines);
	return f.faults == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: almoner-conformance CONNECTOR.so SUITE.json [SEED [ROUNDS]]\n");
		return 2;
	}
	struct suite suite;
	struct err err = { 0 };
	char *name AUTO_FREE = name_of(argv[1]);
	/* dlopen looks for a name without a slash in the folders of the system's libraries. */
	char *file AUTO_FREE = mem_printf("%s%s", strchr(argv[1], '/') == NULL ? "./" : "", argv[1]);
	struct catalog_entry entry = { .name = name, .file = file };
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	size_t rounds = argc > 4 ? strtoul(argv[4], NULL, 10) : 20000;
	if (load_connector(file, name, &entry.connector, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	if (suite_read(argv[2], &suite) != 0)
		return 2;
	int code = try_connector(&entry, &suite, seed, rounds);
	suite_free(&suite);
	return code;
}
