/* Finding the files that are shipped with the program. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "config/reader.h"
#include "saga/base/mem.h"

/* How many folders above the program are searched: enough from a test program to the root of the build
 * tree. */
#define PARENTS_MAX 4

static char *readable(char *path)
{
	if (access(path, R_OK) == 0)
		return path;
	mem_cleanup_free(&path);
	return NULL;
}

/* Removes the last component of the path; false at the root. */
static bool cut_last_component(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* In each folder from the program's upwards: config/NAME (build tree), then share/almoner/NAME (prefix). */
char *config_find_shipped(const char *name)
{
	char here[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", here, sizeof(here) - 1);

	here[len < 0 ? 0 : len] = '\0';
	for (int level = 0; level < PARENTS_MAX && cut_last_component(here); level++) {
		char *found = readable(mem_printf("%s/config/%s", here, name));

		if (found == NULL)
			found = readable(mem_printf("%s/share/almoner/%s", here, name));
		if (found != NULL)
			return found;
	}
	return readable(mem_printf(ALMONER_DATADIR "/%s", name));
}
