/* The temporary folder of the demo, with a copy of the shipped example configuration. */
#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "gateway/commands/read_file.h"
#include "gateway/demo/demo_internal.h"
#include "saga/base/mem.h"

static int write_file(const char *path, struct str text, struct err *err)
{
	FILE *out = fopen(path, "wbe");
	if (out == NULL)
		return err_set(err, ERR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
	size_t written = fwrite(text.p, 1, text.len, out);
	return fclose(out) == 0 && written == text.len ? 0 : err_set(err, ERR_IO, "writing %s failed", path);
}

static int copy_file(const char *from, const char *to, struct err *err)
{
	struct buf text AUTO_BUF = { 0 };
	int rc = read_file(from, (size_t)1 << 20, &text, err);
	return rc == 0 ? write_file(to, buf_str(&text), err) : rc;
}

/* Copies the files of a directory and, recursively, its subdirectories. Both paths without a slash at the
 * end. */
static int copy_directory(const char *from, const char *to, struct err *err)
{
	if (mkdir(to, 0700) != 0 && errno != EEXIST)
		return err_set(err, ERR_SYSTEM, "cannot make %s: %s", to, strerror(errno));
	char *pattern AUTO_FREE = mem_printf("%s/*", from);
	glob_t found;
	int rc = 0;
	if (glob(pattern, GLOB_MARK, NULL, &found) != 0)
		return err_set(err, ERR_NOT_FOUND, "the shipped example %s is empty", from);
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++) {
		const char *path = found.gl_pathv[i];
		const char *name = path + strlen(from) + 1;
		char *target AUTO_FREE = mem_printf("%s/%s", to, name);
		bool directory = path[strlen(path) - 1] == '/';
		if (directory)
			((char *)(uintptr_t)path)[strlen(path) - 1] = '\0';
		if (directory)
			target[strlen(target) - 1] = '\0';
		rc = directory ? copy_directory(path, target, err) : copy_file(path, target, err);
	}
	globfree(&found);
	return rc;
}

/* The example is found beside the program: in the source tree when it runs from the build directory, else in
 * share/. */
int demo_folder_make(char **ret, struct err *err)
{
	char *main_file AUTO_FREE = config_find_shipped("examples/almoner.json");
	if (main_file == NULL)
		return err_set(err, ERR_NOT_FOUND,
					   "the shipped example (examples/almoner.json) is not installed beside this program");
	char *examples AUTO_FREE = mem_strndup(main_file, strlen(main_file) - strlen("/almoner.json"));
	const char *base = getenv("TMPDIR");
	char *folder = mem_printf("%s/almoner-demo-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
	if (mkdtemp(folder) == NULL) {
		int rc = err_set(err, ERR_SYSTEM, "cannot make a folder like %s: %s", folder, strerror(errno));
		free(folder);
		return rc;
	}
	*ret = folder;
	return copy_directory(examples, folder, err);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

int demo_folder_remove(const char *folder)
{
	return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
