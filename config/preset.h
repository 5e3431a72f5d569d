/* Presets: what is known of a platform, as files of a source's options. */
#ifndef ALMONER_CONFIG_PRESET_H
#define ALMONER_CONFIG_PRESET_H

#include "config/reader.h"

/* Lays the preset's options into the source; complains when there is none of that name. */
void preset_apply(struct config_reader *r, const char *name, struct config_source *source);

#endif
