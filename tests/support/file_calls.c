#include "tests/support/file_calls.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

static struct file_calls calls = { .free_bytes = -1 };

static void note(const char *what, const char *path)
{
	calls.count++;
	if (calls.count == calls.dies_at)
		_exit(FILE_CALLS_DIED);
	size_t used = strlen(calls.notes);
	const char *slash = strrchr(path, '/');
	snprintf(calls.notes + used, sizeof calls.notes - used, "%s %s\n", what,
			 slash != NULL ? slash + 1 : path);
}

static void note_fd(const char *what, int fd)
{
	char link[64];
	char path[PATH_MAX] = "";
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	note(what, path);
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))
#define REPLACED   __attribute__((visibility("default")))

REPLACED int link(const char *from, const char *to)
{
	note("link", to);
	return REAL(link)(from, to);
}

REPLACED int rename(const char *from, const char *to)
{
	note("rename", to);
	return REAL(rename)(from, to);
}

REPLACED int unlink(const char *path)
{
	note("unlink", path);
	return REAL(unlink)(path);
}

REPLACED int fsync(int fd)
{
	note_fd("sync", fd);
	return REAL(fsync)(fd);
}

REPLACED int fdatasync(int fd)
{
	note_fd("sync", fd);
	return REAL(fdatasync)(fd);
}

REPLACED ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	note_fd("write", fd);
	return REAL(pwrite64)(fd, bytes, len, at);
}

/* _FILE_OFFSET_BITS=64 calls this function statvfs64. */
REPLACED int statvfs(const char *path, struct statvfs *ret)
{
	int (*real)(const char *, struct statvfs *) =
		(int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs64");
	int rc = real(path, ret);
	if (calls.free_bytes >= 0) {
		ret->f_frsize = 1;
		ret->f_bavail = (fsblkcnt_t)calls.free_bytes;
	}
	return rc;
}

struct file_calls *file_calls(void)
{
	return &calls;
}

void file_calls_forget(void)
{
	calls = (struct file_calls){ .free_bytes = -1 };
}
