/* The admin API on unix sockets: mode 0660, the peer's uid is the actor of what it changes. Thread per
 * connection, few connections: a person's tool, not a hot path. */
#ifndef ALMONER_ADMIN_SERVER_H
#define ALMONER_ADMIN_SERVER_H

#include "gateway/admin/api.h"

struct admin_server;

/* Binds every path (replacing a socket nobody listens on; ERR_BUSY when somebody does) and serves. `api`
 * outlives it. */
int admin_server_start(const struct api_context *api, const struct config_list *paths,
					   struct admin_server **ret, struct err *err) MUST_CHECK;
/* Ends connections and removes the sockets. NULL is accepted. Before journal_destroy. */
void admin_server_stop(struct admin_server *s);

#endif
