/* A library that LD_PRELOAD puts under the daemon: operations on files fail and the wall clock is shifted, as a file
 * that is shared with the test says at the moment. Without ALMONER_SHIM the library does nothing.
 *
 * The file is a struct shim_control, which tests/scenario/shim.py writes. It is mapped, so that reading it needs no
 * system call. Only operations on files whose names end with `suffix` fail. */
#undef _FILE_OFFSET_BITS /* with it, pwrite is another name of pwrite64 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum shim_op { SHIM_WRITE = 1, SHIM_SYNC = 2 };

struct shim_control {
	_Atomic uint32_t fail;     /* enum shim_op */
	_Atomic int32_t error;     /* EIO, ENOSPC */
	_Atomic int32_t countdown; /* this many operations succeed first; all later ones fail */
	_Atomic uint32_t failed;   /* how many did */
	_Atomic int64_t step_s;    /* added to the wall clock */
	char suffix[16];
};

#define EXPORT __attribute__((visibility("default")))

static struct shim_control nothing;
static struct shim_control *_Atomic control = &nothing;

__attribute__((constructor)) static void map_control(void)
{
	const char *path = getenv("ALMONER_SHIM");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *at = mmap(NULL, sizeof(struct shim_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (at != MAP_FAILED)
		atomic_store(&control, at);
}

/* ---- the disk ---- */

static bool named(int fd, const char *suffix)
{
	char link[64], name[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, name, sizeof name);
	size_t tail = strlen(suffix);
	return len >= (ssize_t)tail && memcmp(name + len - tail, suffix, tail) == 0;
}

static bool strikes(enum shim_op op, int fd)
{
	struct shim_control *c = atomic_load(&control);
	if ((atomic_load(&c->fail) & op) == 0 || !named(fd, c->suffix))
		return false;
	if (atomic_fetch_sub(&c->countdown, 1) > 0)
		return false;
	atomic_fetch_add(&c->failed, 1);
	errno = atomic_load(&c->error);
	return true;
}

/* A pointer to a function is no pointer to data in C; POSIX says that the bits are. */
#define REAL(name)                                                                                           \
	static _Atomic(__typeof__(&name)) real;                                                                  \
	if (atomic_load(&real) == NULL) {                                                                        \
		void *found = dlsym(RTLD_NEXT, #name);                                                               \
		__typeof__(&name) function;                                                                          \
		memcpy(&function, &found, sizeof function);                                                          \
		atomic_store(&real, function);                                                                       \
	}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	REAL(pwrite)
	return strikes(SHIM_WRITE, fd) ? -1 : atomic_load(&real)(fd, bytes, count, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
	REAL(pwrite64)
	return strikes(SHIM_WRITE, fd) ? -1 : atomic_load(&real)(fd, bytes, count, offset);
}

EXPORT int fsync(int fd)
{
	REAL(fsync)
	return strikes(SHIM_SYNC, fd) ? -1 : atomic_load(&real)(fd);
}

EXPORT int fdatasync(int fd)
{
	REAL(fdatasync)
	return strikes(SHIM_SYNC, fd) ? -1 : atomic_load(&real)(fd);
}

/* ---- the wall clock ---- */

static time_t step_s(void)
{
	return (time_t)atomic_load(&atomic_load(&control)->step_s);
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *at)
{
	REAL(clock_gettime)
	int rc = atomic_load(&real)(clock, at);
	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		at->tv_sec += step_s();
	return rc;
}

EXPORT int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	REAL(gettimeofday)
	int rc = atomic_load(&real)(at, zone);
	if (rc == 0)
		at->tv_sec += step_s();
	return rc;
}

EXPORT time_t time(time_t *ret)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_REALTIME, &at);
	if (ret != NULL)
		*ret = at.tv_sec;
	return at.tv_sec;
}
