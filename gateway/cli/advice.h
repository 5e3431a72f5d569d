/* The end of `saga show`: the commands with which an operator settles what needs attention. */
#ifndef ALMONER_GATEWAY_CLI_ADVICE_H
#define ALMONER_GATEWAY_CLI_ADVICE_H

#include <jansson.h>

/* `saga`: the answer of GET /v1/sagas/ID. Prints nothing for a saga that needs no operator. */
void advice_print(const json_t *saga);

#endif
