/* Listening on a unix socket, and who is on the other side. */
#ifndef ALMONER_ADMIN_UNIX_SOCKET_H
#define ALMONER_ADMIN_UNIX_SOCKET_H

#include "saga/base/err.h"

#define UNIX_SOCKET_ACTOR_BYTES 96

/* A listening descriptor in *ret, mode 0660; directories on the way are made (0750). ERR_BUSY: somebody
 * listens there. */
int unix_socket_listen(const char *path, int *ret, struct err *err) MUST_CHECK;
/* "uid 1000 (anna)", or "uid unknown". */
void unix_socket_actor(int fd, char out[UNIX_SOCKET_ACTOR_BYTES]);

#endif
