/* Loading one shared object and agreeing on the interface. Private to the plugin room. */
#ifndef ALMONER_PLUGIN_LOAD_H
#define ALMONER_PLUGIN_LOAD_H

#include "connectors/almoner_connector.h"
#include "saga/base/check.h"
#include "saga/base/err.h"

/* Loads `file` and checks that it is connector `name` in a version we can talk to. Accepted code stays loaded
 * for ever, refused code is unloaded. ERR_REFUSED with file, field, found and wanted value. */
int load_connector(const char *file, const char *name, const struct almoner_connector **ret_connector,
				   struct err *err) MUST_CHECK;

/* The agreement alone. Reads nothing beyond what `size` says is there. */
int load_negotiate(const struct almoner_connector *connector, const char *name, struct err *err) MUST_CHECK;

#endif
