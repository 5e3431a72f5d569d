/* Asking the daemon one thing over its admin socket. */
#ifndef ALMONER_GATEWAY_COMMANDS_ADMIN_CLIENT_H
#define ALMONER_GATEWAY_COMMANDS_ADMIN_CLIENT_H

#include <jansson.h>

#include "saga/base/err.h"

/* GET of a path whose answer is one object: a new reference. ERR_CLOSED: nobody answers there. */
int admin_client_get(const char *socket_path, const char *path, json_t **ret, struct err *err) MUST_CHECK;

#endif
