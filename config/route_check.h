/* What can be wrong with a route as a whole. */
#ifndef ALMONER_CONFIG_ROUTE_CHECK_H
#define ALMONER_CONFIG_ROUTE_CHECK_H

#include "config/reader.h"

/* Steps that wait for each other, and, under `compensate`, steps that cannot be undone before steps that can
 * still fail. Adds errors at the reader's place (the route); sorts the steps when they have no cycle. */
void route_check_steps(struct config_reader *r, struct config_route *route);
/* Warns when an earlier route of r->config takes every event that `route` could take. `route` itself is
 * not in r->config yet. */
void route_check_reachable(struct config_reader *r, const struct config_route *route);

#endif
