/* Where the files are that come with the program. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "config/reading.h"
#include "saga/base/mem.h"

/* From the folder of a test program up to the root of the build tree, and no further. */
#define CLIMB_MAX 4

static char *readable(char *path)
{
	if (access(path, R_OK) == 0)
		return path;
	mem_cleanup_free(&path);
	return NULL;
}

/* Cuts the last component off; false at the root. */
static bool climb(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return false;
	*slash = '\0';
	return true;
}

char *config_find_shipped(const char *name)
{
	char here[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", here, sizeof(here) - 1);

	here[len < 0 ? 0 : len] = '\0';
	for (int level = 0; level < CLIMB_MAX && climb(here); level++) {
		char *found = readable(mem_printf("%s/config/%s", here, name));

		if (found == NULL)
			found = readable(mem_printf("%s/share/almoner/%s", here, name));
		if (found != NULL)
			return found;
	}
	return readable(mem_printf(ALMONER_DATADIR "/%s", name));
}
