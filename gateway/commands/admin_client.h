/* One GET request to the daemon over its admin socket, for commands that need one figure of it (send,
 * demo). */
#ifndef ALMONER_GATEWAY_COMMANDS_ADMIN_CLIENT_H
#define ALMONER_GATEWAY_COMMANDS_ADMIN_CLIENT_H

#include <jansson.h>

#include "saga/base/err.h"

/* Gets `path`, whose answer is one JSON object: a new reference. ERR_CLOSED: no daemon listens on this
 * socket. ERR_IO: the answer is not 200, or is no JSON. */
int admin_client_get(const char *socket_path, const char *path, json_t **ret, struct err *err) MUST_CHECK;

#endif
