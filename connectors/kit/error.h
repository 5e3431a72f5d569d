/* Why a call of the interface fails: one sentence for a person. */
#ifndef ALMONER_KIT_ERROR_H
#define ALMONER_KIT_ERROR_H

#include "connectors/almoner_connector.h"

/* Returns -1, the value callers hand on. */
int kit_error_set(struct almoner_error *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
