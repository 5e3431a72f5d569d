/* `saga show`: the history of one event in sentences, written for readers who are not engineers. */
#ifndef ALMONER_GATEWAY_CLI_TIMELINE_H
#define ALMONER_GATEWAY_CLI_TIMELINE_H

#include <jansson.h>

/* Prints the state of the saga and its steps, its log, its related events, and what an operator can do.
 * `saga`: the answer of GET /v1/sagas/ID; members that are missing are printed as empty. */
void timeline_print(const json_t *saga);

#endif
