/* The line on which a value stands: jansson keeps no positions, so the text is walked again where a message
 * needs one. */
#ifndef ALMONER_CONFIG_LOCATE_H
#define ALMONER_CONFIG_LOCATE_H

#include <stddef.h>

#include "saga/base/buf.h"

/* Line (from 1) of the key or element that `pointer` (RFC 6901) names in `json`; of the deepest part of it
 * that exists. `json` must have been accepted by the parser; 0 when it is not walkable after all. */
int locate_line(struct str json, const char *pointer);

/* Appends one reference token to a JSON pointer, escaped. */
void locate_append(struct buf *pointer, const char *token);

#endif
