/* The end of `saga show`: the commands that settle what needs a person. Private to the module. */
#ifndef ALMONER_CLI_ADVICE_H
#define ALMONER_CLI_ADVICE_H

#include <jansson.h>

void advice_print(const json_t *saga);

#endif
