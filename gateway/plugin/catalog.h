/* The connectors that exist on this machine: finds, loads and checks plugins.
 *
 * The connector NAME is the file NAME.so or almoner_NAME.so in a directory of enum catalog_origin,
 * searched in that order. The first file with the name decides, even if it is refused. An accepted plugin
 * stays loaded until the process ends, so its code never changes while a step runs. */
#ifndef ALMONER_PLUGIN_CATALOG_H
#define ALMONER_PLUGIN_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"
#include "saga/base/check.h"
#include "saga/base/err.h"

enum catalog_origin {
	/* the build tree, searched only by a binary that lies in the build tree that it was built in */
	CATALOG_BUILD_TREE,
	CATALOG_PREFIX,    /* <libdir>/almoner/connectors of the installation */
	CATALOG_CONFIGURED /* connectors.path of the configuration */
};

/* Lives as long as its catalog and never changes. */
struct catalog_entry {
	char *name;
	char *file;
	enum catalog_origin origin;
	const struct almoner_connector *connector; /* NULL: refused, see `error` */
	/* why the connector is refused: field, found and wanted value; NULL: the connector is usable */
	char *error;
};

struct catalog;

/* Reads nothing yet. `paths` are the directories of connectors.path; copied. NULL is accepted with
 * path_count 0. */
struct catalog *catalog_create(const char *const *paths, size_t path_count);
void catalog_destroy(struct catalog *catalog); /* NULL is accepted; loaded code stays */

/* Finds a connector by name and loads it the first time. *ret_entry is borrowed. ERR_NOT_FOUND with the
 * directories that were searched and the nearest name; ERR_REFUSED with the reason. Thread: one at a time
 * for each catalog. */
int catalog_find(struct catalog *catalog, const char *name, const struct catalog_entry **ret_entry,
				 struct err *err) MUST_CHECK;

/* Loads all connectors that exist and returns how many. *ret_entries: sorted by name, refused ones
 * included; borrowed until the next call with this catalog. */
size_t catalog_list(struct catalog *catalog, const struct catalog_entry *const **ret_entries);

/* Option `index` of a connector that load_connector accepted, or whose table it is checking. A plugin
 * built with a newer header has longer options; this function accounts for that. */
const struct almoner_option *catalog_option(const struct almoner_connector *connector, size_t index);

/* Whether the host keeps the option's value from the connector (ALMONER_SECRET_WITHHELD). Before interface
 * 1.2 every value of `secret` but 0 meant "masked". */
bool catalog_option_withheld(const struct almoner_connector *connector, const struct almoner_option *option);

/* The connector's preview (gateway/plugin/preview.h); NULL: it has none, or is older than interface 1.2. */
const char *catalog_preview(const struct almoner_connector *connector);

/* "build tree", "prefix" or "connectors.path", for operators; "?" for other values. */
const char *catalog_origin_name(enum catalog_origin origin);
/* "string", "integer", … for operators and documentation. `type`: enum almoner_option_type; "?" for other
 * values. */
const char *catalog_option_type_name(uint32_t type);

#endif
