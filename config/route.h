/* The shape of routes: orders of steps, and which routes leave nothing for later ones. Pure. */
#ifndef ALMONER_CONFIG_ROUTE_H
#define ALMONER_CONFIG_ROUTE_H

#include "config/config.h"

/* "*" any run of characters, "?" one; everything else itself. */
bool route_glob(const char *pattern, const char *text);

/* Does every event that `later` takes already go to `earlier`? May say no where only jq could tell. */
bool route_shadows(const struct config_route *earlier, const struct config_route *later);

/* For each step all steps that come before it, directly or not. */
void route_ancestors(const struct config_route *route, uint32_t ret_masks[CONFIG_STEPS_MAX]);

/* A step that waits for itself, directly or not; -1 when there is none. */
int route_cycle(const struct config_route *route);

/* Puts every step behind those it waits for, keeping the written order else. Only without a cycle. */
void route_sort(struct config_route *route);

#endif
