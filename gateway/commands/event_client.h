/* Posting a signed event to intake. */
#ifndef ALMONER_GATEWAY_COMMANDS_EVENT_CLIENT_H
#define ALMONER_GATEWAY_COMMANDS_EVENT_CLIENT_H

#include "config/config.h"
#include "saga/base/err.h"

/* "http://127.0.0.1:8480/in/NAME"; fresh. */
char *event_client_url(const struct config *config, uint16_t port, const char *source);

/* Signs with the source's first secret and posts. `line` gets the answer's lines (NULL: dropped). */
int event_client_post(const struct config_source *source, const char *url, struct str body, const char *id,
					  void *line_ctx, int (*line)(void *line_ctx, struct str text), unsigned *ret_status,
					  struct err *err) MUST_CHECK;

#endif
