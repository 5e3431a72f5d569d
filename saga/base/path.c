#include "saga/base/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "saga/base/mem.h"

int path_make_parents(const char *path, struct err *err)
{
	if (path[0] == '\0')
		return 0;
	char *copy AUTO_FREE = mem_strdup(path);
	for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0750) != 0 && errno != EEXIST)
			return err_set(err, ERR_SYSTEM, "cannot make the folder %s: %s", copy, strerror(errno));
		*slash = '/';
	}
	return 0;
}
