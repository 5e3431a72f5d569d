/* Presets: files with the options of a source, for a known platform. */
#ifndef ALMONER_CONFIG_PRESET_H
#define ALMONER_CONFIG_PRESET_H

#include "config/reader.h"

/* Sets the options of the preset in `source`, over what is there; adds an error when no preset has this
 * name. */
void preset_apply(struct config_reader *r, const char *name, struct config_source *source);

#endif
