/* Checks a target's settings against its connector's option table. Internal to this module. */
#ifndef ALMONER_GATEWAY_PLUGIN_SETTINGS_H
#define ALMONER_GATEWAY_PLUGIN_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "config/config.h"
#include "connectors/almoner_connector.h"

/* Returns the settings in the form that the connector gets: defaults filled in, durations as milliseconds,
 * sizes as bytes, files replaced by their contents. The caller owns the object. NULL after at least one
 * reported error. `base_dir` as in struct instance_request. */
json_t *settings_resolve(const struct almoner_connector *connector, const json_t *settings,
						 const char *base_dir, const struct config_report *report);

/* Replaces each value that the connector must not see (ALMONER_SECRET_WITHHELD) by the name of its option.
 * Returns whether there was one. `resolved` is what settings_resolve returned. */
bool settings_withhold(const struct almoner_connector *connector, json_t *resolved);

/* Reports a warning for each secret that is written literally in the configuration. `written`: the
 * settings before references such as {"$env": …} were resolved. */
void settings_warn_literals(const struct almoner_connector *connector, const json_t *written,
							const struct config_report *report);

#endif
