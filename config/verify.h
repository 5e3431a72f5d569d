/* Whether a declaration of how requests are verified makes sense. */
#ifndef ALMONER_CONFIG_VERIFY_H
#define ALMONER_CONFIG_VERIFY_H

#include "config/reading.h"

/* Checks the source's verification with its secrets, as a whole; complains at the source. */
void verify_check(struct reading *r, const struct config_source *source);

#endif
