/* Listens on a unix socket and names the user on the other side. */
#ifndef ALMONER_GATEWAY_ADMIN_UNIX_SOCKET_H
#define ALMONER_GATEWAY_ADMIN_UNIX_SOCKET_H

#include <sys/types.h>

#include "saga/base/err.h"

#define UNIX_SOCKET_ACTOR_BYTES                                                                              \
	96 /* space for "uid", a number and a user name; a longer name is cut. Chosen */
#define UNIX_SOCKET_PATH_BYTES 108 /* the size of sun_path, with the NUL */

/* A path that fits into struct sockaddr_un: the path itself, or, if it is too long, /proc/self/fd/N/NAME with
 * an open descriptor of its folder. */
struct unix_socket_path {
	char text[UNIX_SOCKET_PATH_BYTES];
	int folder; /* open descriptor of the socket's folder; -1 if the path itself fits */
};
/* ERR_INVALID: no path, or the name of the file alone is too long; ERR_NOT_FOUND: its folder does not exist.
 */
int unix_socket_path_open(const char *path, struct unix_socket_path *ret, struct err *err) MUST_CHECK;
void unix_socket_path_close(struct unix_socket_path *p);

struct unix_socket {
	int fd; /* listening, non-blocking */
	dev_t device;
	ino_t inode; /* device and inode of the socket file: they show whether the file is still ours */
};

/* Makes a socket of mode 0660, and its missing folders with mode 0750. Replaces a socket that no process
 * listens on. ERR_BUSY: a process listens on it; ERR_REFUSED: the path exists and is not a socket. */
int unix_socket_listen(const char *path, struct unix_socket *ret, struct err *err) MUST_CHECK;
/* Removes the file, unless another process has put its own file there. Call it before the descriptor is
 * closed. */
void unix_socket_remove(const char *path, const struct unix_socket *s);

/* The user on the other side of a connected socket: "uid 1000 (anna)", or "uid unknown". */
void unix_socket_actor(int fd, char out[UNIX_SOCKET_ACTOR_BYTES]);

#endif
