/* Asking the daemon one thing over its admin socket. */
#ifndef ALMONER_GATEWAY_ASK_H
#define ALMONER_GATEWAY_ASK_H

#include <jansson.h>

#include "saga/base/err.h"

/* GET of a path whose answer is one object: a new reference. ERR_CLOSED: nobody answers there. */
int ask_daemon(const char *socket_path, const char *path, json_t **ret, struct err *err) MUST_CHECK;

#endif
