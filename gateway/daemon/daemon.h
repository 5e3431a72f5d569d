/* The daemon: the one place where the ports are wired, and the order in which things begin and end. */
#ifndef ALMONER_GATEWAY_DAEMON_DAEMON_H
#define ALMONER_GATEWAY_DAEMON_DAEMON_H

#include "config/config.h"
#include "gateway/plugin/catalog.h"
#include "saga/base/err.h"

#define ALMONER_VERSION "0.1.0"

struct daemon_options {
	const char *config_path;
	void *ctx;
	/* Called once everything listens; the port is the one intake got. NULL: nobody. Thread: the daemon's. */
	void (*ready)(void *ctx, uint16_t intake_port);
};

/* Runs until SIGTERM or SIGINT, or until the store fails. Returns the exit code of the process. */
int daemon_run(const struct daemon_options *options) MUST_CHECK;

/* A configuration with everything that can be checked checked: programs compiled, connectors loaded. What it
 * found goes to `found`. Gives the catalog that was made for it, too, also with an error; both are the
 * caller's. */
int daemon_config_load(const char *path, struct config_env *env, struct config **ret,
					   struct catalog **ret_catalog, struct diagnostics *found) MUST_CHECK;
/* The same; what it found is printed to stderr. */
int daemon_config_load_print(const char *path, struct config_env *env, struct config **ret,
							 struct catalog **ret_catalog) MUST_CHECK;

#endif
