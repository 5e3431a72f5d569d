/* Reading secrets out of the environment; struct config_env is in config.h. */
#ifndef ALMONER_CONFIG_ENV_H
#define ALMONER_CONFIG_ENV_H

#include "config/config.h"

/* The value of a variable, or NULL when it is not set. Borrowed from `env`, which remembers the value from
 * now on; with `env` NULL, borrowed from the environment. */
const char *config_env_get(struct config_env *env, const char *name);
/* Overwrites the text with zeros and frees it. Accepts NULL. */
void config_env_wipe(char *text);

#endif
