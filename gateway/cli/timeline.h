/* `saga show`: the story of one event for somebody in finance. Private to the room. */
#ifndef ALMONER_CLI_TIMELINE_H
#define ALMONER_CLI_TIMELINE_H

#include <jansson.h>

void timeline_print(const json_t *saga);

#endif
