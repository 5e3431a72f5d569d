/* Whether a declaration of how requests are verified makes sense. */
#ifndef ALMONER_CONFIG_VERIFY_H
#define ALMONER_CONFIG_VERIFY_H

#include "config/reader.h"

/* Checks the source's verification with its secrets, as a whole; complains at the source. */
void verify_check(struct config_reader *r, const struct config_source *source);

#endif
