/* Runs a fuzz target over the files named on the command line, or in the folders named: what libFuzzer found
 * stays found, with any compiler. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "saga/base/mem.h"
#include "tests/fuzz/target.h"

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	uint8_t *bytes = NULL;
	size_t len = 0, got;
	do {
		bytes = mem_grow(bytes, len + 4096);
		got = fread(bytes + len, 1, 4096, file);
		len += got;
	} while (got > 0);
	(void)fclose(file);
	/* Exactly as many bytes as there are, so that the sanitizer sees a step too far. */
	uint8_t *exact = mem_alloc(len > 0 ? len : 1);
	memcpy(exact, bytes, len);
	free(bytes);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int replay_folder(const char *path, DIR *folder)
{
	int failed = 0;
	const struct dirent *entry;
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		char *file AUTO_FREE = mem_printf("%s/%s", path, entry->d_name);
		failed |= replay_file(file);
	}
	return failed;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		failed |= folder != NULL ? replay_folder(argv[i], folder) : replay_file(argv[i]);
		if (folder != NULL)
			(void)closedir(folder);
	}
	return failed;
}
