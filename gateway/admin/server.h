/* Serves the admin API on unix sockets of mode 0660. The uid of the peer is recorded as the actor of each
 * change. One thread for each connection is enough, because operators make few calls. */
#ifndef ALMONER_GATEWAY_ADMIN_SERVER_H
#define ALMONER_GATEWAY_ADMIN_SERVER_H

#include "gateway/admin/api.h"

struct admin_server;

/* Listens on every path and serves. Replaces a socket that no process listens on. ERR_BUSY: another process
 * listens on one of them. `api` must outlive the server. */
int admin_server_start(const struct api_context *api, const struct config_list *paths,
					   struct admin_server **ret, struct err *err) MUST_CHECK;
/* Ends the connections and removes the sockets. NULL is accepted. Call it before jobs_destroy and
 * journal_destroy, because running calls use both. */
void admin_server_stop(struct admin_server *s);

#endif
