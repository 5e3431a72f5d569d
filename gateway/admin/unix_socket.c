#include "gateway/admin/unix_socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/base/path.h"

_Static_assert(sizeof(((struct sockaddr_un *)NULL)->sun_path) == UNIX_SOCKET_PATH_BYTES,
			   "UNIX_SOCKET_PATH_BYTES is the size of sun_path");

/* ---- paths ---- */

/* Opens the folder of `path`: "." for a name without a slash. */
static int open_folder(const char *path, int flags, int *ret, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
	char *folder AUTO_FREE = len > 0 ? mem_strndup(path, len) : mem_strdup(".");
	int fd = open(folder, flags | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM,
					   "listen.admin: cannot open the folder %s: %s", folder, strerror(errno));
	*ret = fd;
	return 0;
}

int unix_socket_path_open(const char *path, struct unix_socket_path *ret, struct err *err)
{
	assert(path != NULL);
	*ret = (struct unix_socket_path){ .folder = -1 };
	size_t len = strlen(path);
	if (len == 0)
		return err_set(err, ERR_INVALID, "listen.admin: the path is empty");
	if (len < sizeof ret->text) {
		memcpy(ret->text, path, len + 1);
		return 0;
	}
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	int rc = open_folder(path, O_PATH, &ret->folder, err);
	if (rc != 0)
		return rc;
	int used = snprintf(ret->text, sizeof ret->text, "/proc/self/fd/%d/%s", ret->folder, name);
	if (used >= 0 && (size_t)used < sizeof ret->text)
		return 0;
	unix_socket_path_close(ret);
	return err_set(err, ERR_INVALID,
				   "listen.admin: the file name \"%s\" is too long; the limit is about 80 bytes", name);
}

void unix_socket_path_close(struct unix_socket_path *p)
{
	if (p->folder >= 0)
		close(p->folder);
	p->folder = -1;
}

/* ---- listening ---- */

static struct sockaddr_un address_of(const struct unix_socket_path *p)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, p->text, sizeof address.sun_path);
	return address;
}

static int new_socket(int flags, int *ret, struct err *err)
{
	*ret = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	return *ret < 0 ? err_set(err, ERR_SYSTEM, "socket: %s", strerror(errno)) : 0;
}

/* Removes a socket file on which no process listens: a killed daemon leaves such a file. Any other file stays
 * and is an error. */
static int remove_stale(const char *path, const struct unix_socket_path *p, struct err *err)
{
	struct stat found;
	if (lstat(p->text, &found) != 0)
		return errno == ENOENT ? 0 : err_set(err, ERR_SYSTEM, "listen.admin: %s: %s", path, strerror(errno));
	if (!S_ISSOCK(found.st_mode))
		return err_set(err, ERR_REFUSED,
					   "listen.admin: %s exists and is not a socket; move it, or configure another path",
					   path);
	int fd;
	int rc = new_socket(SOCK_NONBLOCK, &fd, err);
	if (rc != 0)
		return rc;
	struct sockaddr_un address = address_of(p);
	bool answers = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
	close(fd);
	if (answers)
		return err_set(err, ERR_BUSY,
					   "listen.admin: another daemon listens on %s; stop it, or configure another path",
					   path);
	return unlink(p->text) == 0
			   ? 0
			   : err_set(err, ERR_SYSTEM, "listen.admin: cannot remove the stale socket %s: %s", path,
						 strerror(errno));
}

/* Binds, listens, and remembers device and inode of the file. */
static int bind_and_listen(const char *path, const struct unix_socket_path *p, struct unix_socket *ret,
						   struct err *err)
{
	int fd;
	int rc = new_socket(SOCK_NONBLOCK, &fd, err);
	if (rc != 0)
		return rc;
	struct sockaddr_un address = address_of(p);
	mode_t before = umask(0117); /* the mask gives the socket file the mode 0660 from its creation */
	rc = bind(fd, (const struct sockaddr *)&address, sizeof address);
	umask(before);
	struct stat made = { 0 };
	if (rc != 0 || listen(fd, 64) != 0 || lstat(p->text, &made) != 0) {
		rc = err_set(err, ERR_SYSTEM, "listen.admin: cannot listen on %s: %s", path, strerror(errno));
		close(fd);
		return rc;
	}
	*ret = (struct unix_socket){ fd, made.st_dev, made.st_ino };
	return 0;
}

int unix_socket_listen(const char *path, struct unix_socket *ret, struct err *err)
{
	int folder = -1;
	struct unix_socket_path p;
	int rc = path_make_parents(path, err);
	if (rc == 0)
		rc = open_folder(path, O_RDONLY, &folder, err);
	if (rc != 0)
		return rc;
	/* The lock makes two daemons that start at the same time take turns: otherwise one of them could bind
	 * after the other has looked for a stale socket, and lose its new socket. */
	if (flock(folder, LOCK_EX) != 0)
		rc =
			err_set(err, ERR_SYSTEM, "listen.admin: cannot lock the folder of %s: %s", path, strerror(errno));
	if (rc == 0)
		rc = unix_socket_path_open(path, &p, err);
	if (rc == 0) {
		rc = remove_stale(path, &p, err);
		if (rc == 0)
			rc = bind_and_listen(path, &p, ret, err);
		unix_socket_path_close(&p);
	}
	close(folder);
	return rc;
}

void unix_socket_remove(const char *path, const struct unix_socket *s)
{
	assert(s->fd >= 0);
	struct stat found;
	if (lstat(path, &found) == 0 && found.st_dev == s->device && found.st_ino == s->inode)
		unlink(path);
}

/* ---- the peer ---- */

void unix_socket_actor(int fd, char out[UNIX_SOCKET_ACTOR_BYTES])
{
	assert(fd >= 0);
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		snprintf(out, UNIX_SOCKET_ACTOR_BYTES, "uid unknown");
		return;
	}
	struct passwd entry;
	struct passwd *found = NULL;
	char buffer[4096];
	if (getpwuid_r(peer.uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
		snprintf(out, UNIX_SOCKET_ACTOR_BYTES, "uid %u (%s)", peer.uid, found->pw_name);
	else
		snprintf(out, UNIX_SOCKET_ACTOR_BYTES, "uid %u", peer.uid);
}
