/* `when` of a step that comes after others, for the engine: the program sees the canonical event's members at
 * top level and the results of earlier steps as `.steps.<name>`. */
#ifndef ALMONER_EXPR_WHEN_H
#define ALMONER_EXPR_WHEN_H

#include "gateway/engine/ports.h"

/* The port; needs no state. Parsed programs are kept per thread. Thread: any. */
struct when_port when_port_jq(void);

#endif
