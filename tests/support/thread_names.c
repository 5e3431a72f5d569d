#include "tests/support/thread_names.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "saga/base/clock.h"

static bool has_name(const char *thread, const char *name)
{
	char path[64], text[32] = "";
	snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", thread);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false; /* the thread has ended */
	char *got = fgets(text, sizeof text, file);
	(void)fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return got != NULL && strcmp(text, name) == 0;
}

static bool is_there(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	bool found = false;
	const struct dirent *entry;
	while (tasks != NULL && !found && (entry = readdir(tasks)) != NULL)
		found = has_name(entry->d_name, name);
	if (tasks != NULL)
		(void)closedir(tasks);
	return found;
}

bool thread_name_appears(const char *name)
{
	int64_t deadline_ms = clock_monotonic_ms() + 10 * SECOND_MS;
	while (clock_monotonic_ms() < deadline_ms) {
		if (is_there(name))
			return true;
		sched_yield(); /* the thread that gets the name may need this CPU */
	}
	return false;
}
