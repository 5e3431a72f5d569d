/* The text of a call that fails. The interface asks for one sentence for the operator. */
#ifndef ALMONER_KIT_ERROR_H
#define ALMONER_KIT_ERROR_H

#include "connectors/almoner_connector.h"

/* Writes the sentence into `error`; a text that is too long is cut off. Returns -1, so that a failing call
 * ends with `return kit_error_set(…)`. */
int kit_error_set(struct almoner_error *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
