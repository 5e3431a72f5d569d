/* Listening on a unix socket, and who is on the other side. */
#ifndef ALMONER_ADMIN_UNIX_SOCKET_H
#define ALMONER_ADMIN_UNIX_SOCKET_H

#include <sys/types.h>

#include "saga/base/err.h"

#define UNIX_SOCKET_ACTOR_BYTES 96
#define UNIX_SOCKET_PATH_BYTES  108 /* what the kernel takes, with the NUL */

/* A path short enough for the kernel: itself, or one through an open descriptor of its folder. */
struct unix_socket_path {
	char text[UNIX_SOCKET_PATH_BYTES];
	int folder; /* -1: not needed */
};
/* ERR_INVALID: even the file's name is too long; ERR_NOT_FOUND: there is no such folder. */
int unix_socket_path_open(const char *path, struct unix_socket_path *ret, struct err *err) MUST_CHECK;
void unix_socket_path_close(struct unix_socket_path *p);

struct unix_socket {
	int fd; /* listening, not blocking */
	dev_t device;
	ino_t inode; /* of the file that was made */
};

/* Mode 0660; folders on the way are made (0750). A socket nobody answers on is replaced; ERR_BUSY: somebody
 * does; ERR_REFUSED: the path is something else than a socket. */
int unix_socket_listen(const char *path, struct unix_socket *ret, struct err *err) MUST_CHECK;
/* Removes the file, unless somebody else's stands there by now. Before the descriptor is closed. */
void unix_socket_remove(const char *path, const struct unix_socket *s);

/* "uid 1000 (anna)", or "uid unknown". */
void unix_socket_actor(int fd, char out[UNIX_SOCKET_ACTOR_BYTES]);

#endif
