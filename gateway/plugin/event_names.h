/* The names that templates can use: which values an event can have. Internal to this module. */
#ifndef ALMONER_GATEWAY_PLUGIN_EVENT_NAMES_H
#define ALMONER_GATEWAY_PLUGIN_EVENT_NAMES_H

#include <stddef.h>

#include "saga/base/buf.h"

/* The longest path that is looked at, with its NUL; a longer one counts as known. As in the kit's templates.
 * */
#define EVENT_NAMES_BYTES 200

/* Returns NULL if an event can have a value at `path` ("donor.email"). Otherwise returns a static text, the
 * name that the unknown part of the path resembles, and *ret_part is that part, inside `path`.
 *
 * The map of a source may add any member to its events, so a name that resembles no known one is possible and
 * gives NULL. Only a name that is one or two letters away from a known one is taken for a mistake. */
const char *event_names_misspelt(struct str path, struct str *ret_part);

#endif
