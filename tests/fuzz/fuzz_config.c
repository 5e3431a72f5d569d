/* A configuration file of any content loads, or is refused with at least one diagnostic that names its place. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "saga/base/check.h"
#include "tests/fuzz/target.h"

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, "wb");
	assert(file != NULL);
	size_t written = fwrite(data, 1, size, file);
	assert(written == size);
	int rc = fclose(file);
	assert(rc == 0);
}

/* One folder for the whole process: the fuzzer runs an input thousands of times a second. */
static const char *file_path(void)
{
	static char path[64];
	if (path[0] == '\0') {
		char folder[] = "/tmp/almoner-fuzz-XXXXXX";
		const char *made = mkdtemp(folder);
		assert(made != NULL);
		snprintf(path, sizeof path, "%s/almoner.json", folder);
	}
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = file_path();
	write_file(path, data, size);
	struct config *config = NULL;
	AUTO_DIAGNOSTICS struct diagnostics found = { 0 };
	int rc = config_load(path, NULL, &config, &found);
	assert((rc == 0) == (config != NULL));
	assert((rc == 0) == (found.errors == 0));
	AUTO_BUF struct buf text = { 0 };
	diagnostics_print(&found, &text);
	if (config != NULL)
		config_unref(config);
	unlink(path);
	return 0;
}
