/* A target's settings against its connector's option table. Private to the plugin room. */
#ifndef ALMONER_GATEWAY_PLUGIN_SETTINGS_H
#define ALMONER_GATEWAY_PLUGIN_SETTINGS_H

#include <jansson.h>

#include "config/config.h"
#include "connectors/almoner_connector.h"

/* What the connector is to see: defaults filled in, durations and sizes as integers, files read. Returns a
 * new object, or NULL after at least one report. Warnings are reported beside errors. */
json_t *settings_resolve(const struct almoner_connector *connector, const json_t *settings,
						 const char *base_dir, const struct config_report *report);

/* Warns of secrets that stand in the configuration as they are. `written`: before references were resolved.
 */
void settings_warn_literals(const struct almoner_connector *connector, const json_t *written,
							const struct config_report *report);

#endif
