/* Which connectors there are: finds, loads and checks plugins. The only user of dlfcn.h.
 *
 * A connector NAME is the file NAME.so or almoner_NAME.so in one of the places of enum catalog_origin, looked
 * at in that order; the first file with the name decides, also when it is refused. A plugin that was accepted
 * stays loaded until the process ends, so code never changes under a running step. */
#ifndef ALMONER_PLUGIN_CATALOG_H
#define ALMONER_PLUGIN_CATALOG_H

#include <stddef.h>

#include "connectors/almoner_connector.h"
#include "saga/base/check.h"
#include "saga/base/err.h"

enum catalog_origin {
	CATALOG_BUILD_TREE, /* only for a binary that lies in the build tree it was made in */
	CATALOG_PREFIX,     /* <libdir>/almoner/connectors of the installation */
	CATALOG_CONFIGURED  /* connectors.path of the configuration */
};

/* Lives as long as its catalog, and never changes once seen. */
struct catalog_entry {
	char *name;
	char *file;
	enum catalog_origin origin;
	const struct almoner_connector *connector; /* NULL: refused, see `error` */
	char *error; /* one sentence with field, found and wanted value; NULL: usable */
};

struct catalog;

/* Remembers the places; reads nothing yet. `paths` are the directories of connectors.path and may be NULL. */
struct catalog *catalog_create(const char *const *paths, size_t path_count);
void catalog_destroy(struct catalog *catalog); /* NULL is accepted; loaded code stays */

/* Loads a connector by name, once. ERR_NOT_FOUND (with the places looked at and the nearest name) or
 * ERR_REFUSED (with the reason). Thread: one at a time per catalog. */
int catalog_find(struct catalog *catalog, const char *name, const struct catalog_entry **ret_entry,
				 struct err *err) MUST_CHECK;

/* Loads everything there is and hands out the entries sorted by name, refused ones included. Borrowed. */
size_t catalog_list(struct catalog *catalog, const struct catalog_entry *const **ret_entries);

/* Option `index` of a connector, whatever the size of an option in the plugin's header. */
const struct almoner_option *catalog_option(const struct almoner_connector *connector, size_t index);

/* "build tree", "prefix", "connectors.path" */
const char *catalog_origin_name(enum catalog_origin origin);
/* "string", "integer", … for people and for documentation; "?" outside the enum. */
const char *catalog_option_type_name(uint32_t type);

#endif
