/* Evaluates the `when` condition of a step that runs after other steps; fills the engine's struct
 * condition_port. The program sees the canonical event's members at top level, and the results of earlier
 * steps as `.steps.<name>`. */
#ifndef ALMONER_GATEWAY_EXPR_CONDITION_H
#define ALMONER_GATEWAY_EXPR_CONDITION_H

#include "gateway/engine/ports.h"

/* The port. It has no state of its own; compiled programs are kept by each thread (program.h). Thread:
 * any. */
struct condition_port condition_port_jq(void);

#endif
