#include "gateway/admin/unix_socket.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "saga/base/path.h"

static int fill_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof ret->sun_path)
		return err_set(
			err, ERR_INVALID,
			"listen.admin: the socket path \"%s\" is longer than the %zu bytes a unix socket allows", path,
			sizeof ret->sun_path - 1);
	memcpy(ret->sun_path, path, len + 1);
	return 0;
}

/* A socket file nobody answers on is what a killed daemon left. */
static int remove_stale(const struct sockaddr_un *address, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "socket: %s", strerror(errno));
	int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
	int why = errno;
	(void)close(fd);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "another daemon answers on %s", address->sun_path);
	if (why == ECONNREFUSED && unlink(address->sun_path) != 0)
		return err_set(err, ERR_SYSTEM, "cannot remove the stale socket %s: %s", address->sun_path,
					   strerror(errno));
	return 0;
}

int unix_socket_listen(const char *path, int *ret, struct err *err)
{
	struct sockaddr_un address;
	int rc = fill_address(path, &address, err);
	if (rc == 0)
		rc = path_make_parents(path, err);
	if (rc == 0)
		rc = remove_stale(&address, err);
	if (rc != 0)
		return rc;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "socket: %s", strerror(errno));
	mode_t before = umask(0117); /* the socket is 0660 from its first moment */
	rc = bind(fd, (const struct sockaddr *)&address, sizeof address);
	(void)umask(before);
	if (rc != 0 || listen(fd, 64) != 0) {
		rc = err_set(err, ERR_SYSTEM, "cannot listen on %s: %s", path, strerror(errno));
		(void)close(fd);
		return rc;
	}
	*ret = fd;
	return 0;
}

void unix_socket_actor(int fd, char out[UNIX_SOCKET_ACTOR_BYTES])
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		(void)snprintf(out, UNIX_SOCKET_ACTOR_BYTES, "uid unknown");
		return;
	}
	struct passwd entry;
	struct passwd *found = NULL;
	char room[1024];
	if (getpwuid_r(peer.uid, &entry, room, sizeof room, &found) == 0 && found != NULL)
		(void)snprintf(out, UNIX_SOCKET_ACTOR_BYTES, "uid %u (%s)", peer.uid, found->pw_name);
	else
		(void)snprintf(out, UNIX_SOCKET_ACTOR_BYTES, "uid %u", peer.uid);
}
