/* A blocking call of the admin API over a unix socket, for the command line. */
#ifndef ALMONER_NET_ADMIN_CLIENT_H
#define ALMONER_NET_ADMIN_CLIENT_H

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* `line` gets each line of the answer without its end; nonzero breaks off (then 0 is returned all the same).
 * ERR_CLOSED: nobody listens on the socket. ERR_IO: the answer broke off. */
int admin_client_call(const char *socket_path, const char *method, const char *path, const char *body, void *line_ctx,
                      int (*line)(void *line_ctx, struct str text), unsigned *ret_status, struct err *err) MUST_CHECK;

#endif
