/* What a verb leaves behind, printed after its result. Private to the module. */
#ifndef ALMONER_CLI_REMAINING_H
#define ALMONER_CLI_REMAINING_H

#include <jansson.h>

/* For each target that is held: how many wait for it, and what ends it. */
void remaining_held(const json_t *result);
/* How much was left in doubt, and what settles it. */
void remaining_in_doubt(const json_t *result);

#endif
