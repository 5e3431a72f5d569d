/* The daemon is the composition root: the one place that connects intake, journal, engine, connectors and
 * admin API, starts them in order and stops them in order. `serve` runs it; `check` and `source try` use only
 * the loading of the configuration. */
#ifndef ALMONER_GATEWAY_DAEMON_DAEMON_H
#define ALMONER_GATEWAY_DAEMON_DAEMON_H

#include "config/config.h"
#include "gateway/plugin/catalog.h"
#include "saga/base/err.h"

#define ALMONER_VERSION "0.1.0"

struct daemon_options {
	const char *config_path;
	void *ctx;
	/* Called once, when intake and admin API listen. The port matters if the configuration says 0. NULL: no
	 * call. Thread: the one that called daemon_run. */
	void (*ready)(void *ctx, uint16_t intake_port);
};

/* Runs the gateway in this process until SIGTERM or SIGINT, or until the store fails. Returns the exit code
 * of the process: 0 after a signal, 1 when it could not start or the store failed. */
int daemon_run(const struct daemon_options *options) MUST_CHECK;

/* Loads a configuration with every check: jq programs are compiled, connectors loaded, their settings
 * checked. Errors and warnings go to `found`. Gives a reference to the configuration (config_unref), and the
 * catalog of connectors that was made for it; the catalog is the caller's after an error too. `env` remembers
 * the secrets. */
int daemon_config_load(const char *path, struct config_env *env, struct config **ret,
					   struct catalog **ret_catalog, struct diagnostics *found) MUST_CHECK;
/* daemon_config_load for commands that only look at connectors and targets: secrets that are missing are no
 * error, programs are not compiled, and nothing is reported. */
int daemon_config_load_lenient(const char *path, struct config **ret,
							   struct catalog **ret_catalog) MUST_CHECK;
/* daemon_config_load, with errors and warnings printed to standard error. */
int daemon_config_load_print(const char *path, struct config_env *env, struct config **ret,
							 struct catalog **ret_catalog) MUST_CHECK;

#endif
