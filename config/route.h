/* The order of the steps of a route, and routes that take all events of a later route. Pure functions. */
#ifndef ALMONER_CONFIG_ROUTE_H
#define ALMONER_CONFIG_ROUTE_H

#include "config/config.h"

/* True if the pattern matches: "*" any run of characters, "?" one character, every other character itself. */
bool route_glob(const char *pattern, const char *text);

/* True if `earlier` takes every event that `later` could take. May be false although it does, because
 * conditions are compared as text. */
bool route_shadows(const struct config_route *earlier, const struct config_route *later);

/* ret_masks[i]: the steps that step i waits for, directly or through other steps. */
void route_ancestors(const struct config_route *route, uint32_t ret_masks[CONFIG_STEPS_MAX]);

/* The index of a step that waits for itself, directly or through other steps; -1 without one. */
int route_cycle(const struct config_route *route);

/* Moves every step behind the steps that it waits for, and keeps the written order otherwise. There must
 * be no cycle. */
void route_sort(struct config_route *route);

#endif
