#include "saga/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* Room for "pid 4194304 on HOST since 2026-11-23T22:09:00.123Z". */
#define HOLDER_BYTES 160

static void read_holder(int fd, char out[HOLDER_BYTES])
{
	ssize_t n = pread(fd, out, HOLDER_BYTES - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static int busy_error(int fd, const char *path, struct err *err)
{
	char holder[HOLDER_BYTES];
	read_holder(fd, holder);
	if (holder[0] == '\0')
		return err_set(err, ERR_BUSY,
					   "store %s is being read without a daemon (verify, export): "
					   "try again when that has ended",
					   path);
	return err_set(
		err, ERR_BUSY,
		"store %s is in use by %s: only one daemon may write it; stop that one first, or give this one "
		"another store",
		path, holder);
}

static int lock_file(int fd, int operation, const char *path, struct err *err)
{
	while (flock(fd, operation | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return busy_error(fd, path, err);
		if (errno != EINTR)
			return err_set(err, ERR_SYSTEM,
						   "locking %s.lock: %s; the store must be on a file system with locks", path,
						   strerror(errno));
	}
	return 0;
}

/* For people and for the refusal text of the next one; the lock itself does not depend on it. */
static int write_holder(int fd, const char *path, struct err *err)
{
	char host[64] = "?";
	if (gethostname(host, sizeof host) == 0)
		host[sizeof host - 1] = '\0';
	struct clock clock = clock_system();
	char since[CLOCK_TEXT_BYTES];
	clock_rfc3339(clock.wall_ms(clock.ctx), since);
	char line[HOLDER_BYTES];
	int len = snprintf(line, sizeof line, "pid %ld on %s since %s\n", (long)getpid(), host, since);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, line, (size_t)len, 0) != len)
		return err_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "writing %s.lock: %s", path,
					   strerror(errno));
	return 0;
}

/* Beside the file itself, whatever link led there: SQLite follows links, and two names must not be two locks. */
static int lock_name(const char *path, char **ret, struct err *err)
{
	struct stat st;
	char *real AUTO_FREE = realpath(path, NULL);
	if (real == NULL && lstat(path, &st) == 0)
		return err_set(err, ERR_SYSTEM, "store %s is a link that leads to no file", path);
	if (real != NULL && stat(real, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink > 1)
		return err_set(
			err, ERR_SYSTEM,
			"store %s has other names (hard links), and under another name another daemon could write it: "
			"make the others copies, or remove them (`find -samefile %s`)",
			path, path);
	*ret = mem_printf("%s.lock", real != NULL ? real : path);
	return 0;
}

int store_lock_take(const char *path, struct store_lock *ret, struct err *err)
{
	char *name AUTO_FREE = NULL;
	int rc = lock_name(path, &name, err);
	if (rc != 0)
		return rc;
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "opening %s: %s; the folder must exist and be writable", name,
					   strerror(errno));
	rc = lock_file(fd, LOCK_EX, path, err);
	if (rc == 0)
		rc = write_holder(fd, path, err);
	if (rc != 0) {
		(void)close(fd); /* nothing was written that could be lost */
		return rc;
	}
	ret->fd = fd;
	return 0;
}

int store_lock_share(const char *path, struct store_lock *ret, struct err *err)
{
	char *name AUTO_FREE = NULL;
	int rc = lock_name(path, &name, err);
	if (rc != 0)
		return rc;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		ret->fd = -1;
		return 0;
	}
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "opening %s: %s", name, strerror(errno));
	rc = lock_file(fd, LOCK_SH, path, err);
	if (rc != 0) {
		(void)close(fd);
		return rc;
	}
	ret->fd = fd;
	return 0;
}

void store_lock_release(struct store_lock *lock)
{
	if (lock->fd < 0)
		return;
	/* Empty means: nobody. A reader's shared descriptor cannot be truncated and need not be. */
	if (ftruncate(lock->fd, 0) != 0)
		errno = 0;
	(void)close(lock->fd);
	lock->fd = -1;
}
