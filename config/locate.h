/* JSON pointers and the lines they lead to. jansson keeps no positions, so for a message the text is
 * scanned again. */
#ifndef ALMONER_CONFIG_LOCATE_H
#define ALMONER_CONFIG_LOCATE_H

#include <stddef.h>

#include "saga/base/buf.h"

/* The line (from 1) of the key or element that `pointer` (RFC 6901) names, or of the deepest part of the
 * pointer that exists. `json` must be text that jansson accepts; 0 for an empty text. */
int locate_line(struct str json, const char *pointer);

/* Appends "/" and one reference token, escaped, to a JSON pointer. */
void locate_append(struct buf *pointer, const char *token);

#endif
