#include "saga/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* Enough for "pid 4194304 on HOST since 2026-11-23T22:09:00.123Z" with a HOST of 63 bytes. */
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
					   "store %s is being read by a command without a daemon (verify, export): "
					   "try again when that command has ended",
					   path);
	return err_set(
		err, ERR_BUSY,
		"store %s is in use by %s: only one daemon may write a store; stop that daemon, or configure another "
		"store for this one",
		path, holder);
}

static int lock_file(int fd, int operation, const char *path, struct err *err)
{
	while (flock(fd, operation | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return busy_error(fd, path, err);
		if (errno != EINTR)
			return err_set(err, ERR_SYSTEM,
						   "locking %s.lock: %s; the file system of the store must support locks", path,
						   strerror(errno));
	}
	return 0;
}

/* For operators, and for the error text of the next daemon. The lock does not depend on this text. */
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

/* True if the file has names besides `real` and the one that an interrupted upgrade left (upgrade_clean
 * removes that one under the lock). */
static bool has_other_names(const char *real)
{
	struct stat st, kept;
	if (stat(real, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	char *name AUTO_FREE = mem_printf("%s" STORE_KEPT_SUFFIX, real);
	bool left = lstat(name, &kept) == 0 && kept.st_ino == st.st_ino && kept.st_dev == st.st_dev;
	return st.st_nlink > (left ? 2 : 1);
}

/* The lock file lies beside the real file, because SQLite follows symbolic links and two names of one
 * store must lead to one lock. */
static int lock_name(const char *path, char **ret, struct err *err)
{
	struct stat st;
	char *real AUTO_FREE = realpath(path, NULL);
	if (real == NULL && lstat(path, &st) == 0)
		return err_set(err, ERR_SYSTEM, "store %s is a symbolic link to a file that does not exist", path);
	if (real != NULL && has_other_names(real))
		return err_set(
			err, ERR_SYSTEM,
			"store %s has other names (hard links), and another daemon could write it under one of them: "
			"remove the other names, or make copies instead (`find -samefile %s` lists them)",
			path, path);
	*ret = mem_printf("%s.lock", real != NULL ? real : path);
	return 0;
}

/* O_NOFOLLOW: an attacker who may write to the folder must not redirect the truncation to another file. */
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
		(void)close(fd); /* a failed close loses only the text about the holder of the lock */
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
	/* An empty file means that no daemon runs. A reader's descriptor is read-only; truncating it fails,
	 * harmlessly. */
	if (ftruncate(lock->fd, 0) != 0)
		errno = 0;
	(void)close(lock->fd);
	lock->fd = -1;
}
