/* Signs an event as its platform would and posts it to intake, for `send` and `demo`. */
#ifndef ALMONER_GATEWAY_COMMANDS_EVENT_CLIENT_H
#define ALMONER_GATEWAY_COMMANDS_EVENT_CLIENT_H

#include "config/config.h"
#include "saga/base/err.h"

/* "http://127.0.0.1:8480/in/NAME", a new string: listen.intake, or the loopback address if intake listens on
 * all. */
char *event_client_url(const struct config *config, uint16_t port, const char *source);

/* Prints that the configuration has no source with this name, and the names of its sources. */
void event_client_no_source(const struct config *config, const char *name);

/* Signs with the first secret of the source. `id`: for sources whose event id is in a header. `line` gets
 * each line of the answer; NULL: the answer is dropped. An answer with any status is a success here. */
int event_client_post(const struct config_source *source, const char *url, struct str body, const char *id,
					  void *line_ctx, int (*line)(void *line_ctx, struct str text), unsigned *ret_status,
					  struct err *err) MUST_CHECK;

#endif
