/* What a verb leaves unfinished, printed after the verb's result with the command that settles it. */
#ifndef ALMONER_GATEWAY_CLI_REMAINING_H
#define ALMONER_GATEWAY_CLI_REMAINING_H

#include <jansson.h>

/* For each target that is held or paused: prints how many steps wait for it, and the command that ends the
 * wait. `result`: the answer of a verb (NULL prints nothing). */
void remaining_held(const json_t *result);
/* Prints how many steps the verb left in doubt, and the commands that settle them. */
void remaining_in_doubt(const json_t *result);

#endif
