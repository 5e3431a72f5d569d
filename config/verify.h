/* The checks of how a source verifies its requests. */
#ifndef ALMONER_CONFIG_VERIFY_H
#define ALMONER_CONFIG_VERIFY_H

#include "config/reader.h"

/* Checks verification and secrets of a source together; adds errors at the current place, which is the
 * source. */
void verify_check(struct config_reader *r, const struct config_source *source);

#endif
