/* Asks the gateway whether events can have a value under a name that a template uses. A misspelt tag is then
 * an error when the target is configured, not a mail without the donor's name. */
#ifndef ALMONER_KIT_NAMES_H
#define ALMONER_KIT_NAMES_H

#include <stddef.h>

#include "connectors/almoner_connector.h"

/* Returns 0 if events can have a value at this path of `len` bytes, or if the host cannot tell: it is older
 * than interface 1.2, or NULL. Otherwise -1 with `error` filled: the setting `where`, the path, and a name
 * that looks alike. */
int kit_names_check(const struct almoner_host *host, const char *path, size_t len, const char *where,
					struct almoner_error *error);

#endif
