/* One target's opened connector: its settings, checked against the plugin's option table; the traits it
 * promises; and the port through which the engine calls it. Each call runs inside the black box, and each
 * answer is checked.
 *
 * Thread: the engine's for the functions of the port; any for all others, one at a time for each instance. */
#ifndef ALMONER_PLUGIN_INSTANCE_H
#define ALMONER_PLUGIN_INSTANCE_H

#include <jansson.h>

#include "config/config.h"
#include "connectors/almoner_connector.h"
#include "gateway/engine/ports.h"
#include "gateway/plugin/blackbox.h"
#include "gateway/plugin/catalog.h"

/* the longest file of a FILE option; chosen, no measurement */
#define INSTANCE_FILE_CAP_BYTES ((size_t)1 << 20)
/* the most calls of `next` in one attempt; promised by the connector header */
#define INSTANCE_CALLS_MAX      16
#define INSTANCE_CHECKPOINT_MAX 4096 /* the longest checkpoint in bytes; promised by the connector header */

/* Where lines go that a connector writes to the log. */
struct instance_log {
	void *ctx;
	/* NULL: lines are dropped. `level` as in struct almoner_host; both texts are borrowed. */
	void (*line)(void *ctx, uint32_t level, const char *target, const char *text);
};

struct instance_request {
	/* a connector that catalog_find returned; it outlives the instance */
	const struct catalog_entry *connector;
	const char *target; /* its name; copied */
	/* the settings, with secrets resolved to strings; borrowed for the call */
	const json_t *settings;
	/* the folder where relative paths in FILE options start; NULL: the working directory */
	const char *base_dir;
	/* the blackbox that watches calls, which outlives the instance; NULL: calls are not watched */
	struct blackbox *box;
	struct instance_log log;
};

struct instance;

/* Checks the settings, fills in defaults, reads files and opens the connector. Reports every error with
 * its JSON pointer, and never the value of a secret. Returns 0, or ERR_INVALID after at least one report. */
int instance_open(const struct instance_request *request, const struct config_report *report,
				  struct instance **ret_instance) MUST_CHECK;
/* No attempt may be open. NULL is accepted. */
void instance_close(struct instance *instance);

/* What the connector promises with these settings; lives as long as the instance. */
const struct almoner_traits *instance_traits(const struct instance *instance);
/* The digest (DIGEST_BYTES) of the settings as the connector got them: secrets, defaults and contents of
 * files included. Lives as long as the instance. */
const uint8_t *instance_digest(const struct instance *instance);

/* The engine's port; its ctx is the instance. `begin` and `next` return -1 and fill in `error` also when
 * the connector's answer breaks the interface: unknown kind, missing text, too long a checkpoint, too many
 * calls. A step's result is not checked: the engine drops one that it cannot keep. */
struct connector_port instance_port(struct instance *instance);

/* Checks a target of the configuration (config_hooks.target): loads its connector, opens it with the
 * target's settings and closes it again. `connectors` is the struct catalog. */
int instance_check_target(void *connectors, const struct config_target *target,
						  const struct config_report *report, struct config_traits *ret_traits) MUST_CHECK;

#endif
