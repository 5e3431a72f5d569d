/* `when` of a step that comes after others, for the engine: the program sees the canonical event's members at
 * top level and the results of earlier steps as `.steps.<name>`. */
#ifndef ALMONER_GATEWAY_EXPR_CONDITION_H
#define ALMONER_GATEWAY_EXPR_CONDITION_H

#include "gateway/engine/ports.h"

/* The port; needs no state. Parsed programs are kept per thread. Thread: any. */
struct condition_port condition_port_jq(void);

#endif
