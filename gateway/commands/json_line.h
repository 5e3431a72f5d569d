/* The --json output of commands: one JSON object a line. */
#ifndef ALMONER_GATEWAY_COMMANDS_JSON_LINE_H
#define ALMONER_GATEWAY_COMMANDS_JSON_LINE_H

#include <jansson.h>
#include <stdbool.h>

#include "gateway/commands/commands.h"

bool json_line_wanted(const struct command_line *line, int operand_count);
void json_line_set_text(json_t *object, const char *member, const char *text);
void json_line_print(json_t *value);

#endif
