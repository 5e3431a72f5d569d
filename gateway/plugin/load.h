/* Loads one shared object and checks that it fits this gateway. Internal to this module, which is the only
 * user of dlfcn.h. */
#ifndef ALMONER_PLUGIN_LOAD_H
#define ALMONER_PLUGIN_LOAD_H

#include "connectors/almoner_connector.h"
#include "saga/base/check.h"
#include "saga/base/err.h"

/* Loads `file` and checks that it is the connector `name` in a version that this gateway supports.
 * Accepted code stays loaded until the process ends; refused code is unloaded. ERR_REFUSED with file,
 * field, found and wanted value. */
int load_connector(const char *file, const char *name, const struct almoner_connector **ret_connector,
				   struct err *err) MUST_CHECK;

#endif
