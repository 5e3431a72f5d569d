/* One target's opened connector: settings checked against the plugin's option table, the traits it promises,
 * and the port through which the engine calls it (every call inside the black box, every answer checked).
 *
 * Threads: a port is used by one thread (the engine's); opening, checking and closing by any. */
#ifndef ALMONER_PLUGIN_INSTANCE_H
#define ALMONER_PLUGIN_INSTANCE_H

#include <jansson.h>

#include "config/config.h"
#include "connectors/almoner_connector.h"
#include "gateway/engine/ports.h"
#include "gateway/plugin/blackbox.h"
#include "gateway/plugin/catalog.h"

#define INSTANCE_FILE_CAP_BYTES ((size_t)1 << 20) /* of one FILE option */
#define INSTANCE_CALLS_MAX      16                /* of `next` in one attempt */
#define INSTANCE_CHECKPOINT_MAX 4096

/* A connector's line for the gateway's log. `level` as in struct almoner_host. */
struct instance_log {
	void *ctx;
	void (*line)(void *ctx, uint32_t level, const char *target, const char *text); /* NULL: dropped */
};

struct instance_request {
	const struct catalog_entry *connector; /* usable; outlives the instance */
	const char *target;                    /* its name, copied */
	const json_t *settings;                /* object; secrets are resolved to strings */
	const char *base_dir;                  /* relative FILE options start here; NULL: the working directory */
	struct blackbox *box;                  /* outlives the instance; NULL: calls are not watched */
	struct instance_log log;
};

struct instance;

/* Checks all settings (every fault is reported, with its pointer; values of secrets never are), fills in
 * defaults, reads files and opens the connector. Returns 0, or ERR_INVALID with at least one error reported.
 */
int instance_open(const struct instance_request *request, const struct config_report *report,
				  struct instance **ret_instance) MUST_CHECK;
void instance_close(struct instance *instance); /* no attempt may be open; NULL is accepted */

const struct almoner_traits *instance_traits(const struct instance *instance);
/* DIGEST_BYTES of the settings as the connector saw them: secrets, defaults and contents of files included. */
const uint8_t *instance_digest(const struct instance *instance);
const struct catalog_entry *instance_connector(const struct instance *instance);

/* The calls of the engine. `begin` and `next` return -1 with `error` filled also when the connector's answer
 * breaks the contract (unknown kind, missing text, a checkpoint too long, too many calls). A result is not
 * looked at: the engine drops one it cannot keep. */
struct connector_port instance_port(struct instance *instance);

/* The hook of the configuration: loads the target's connector, opens it with its settings and closes it
 * again. `connectors` is the struct catalog. */
int instance_check_target(void *connectors, const struct config_target *target,
						  const struct config_report *report, struct config_traits *ret_traits) MUST_CHECK;

#endif
