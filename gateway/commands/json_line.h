/* The output of commands with --json: one JSON object in each line. */
#ifndef ALMONER_GATEWAY_COMMANDS_JSON_LINE_H
#define ALMONER_GATEWAY_COMMANDS_JSON_LINE_H

#include <jansson.h>
#include <stdbool.h>

#include "gateway/commands/commands.h"

/* True if exactly --json follows the operands of the command. */
bool json_line_wanted(const struct command_line *line, int operand_count);
/* NULL and "" become JSON null. */
void json_line_set_text(json_t *object, const char *member, const char *text);
/* Prints the value in one line to standard output and drops the reference. */
void json_line_print(json_t *value);

/* Receives the lines of an answer (struct http_call, `line`): keeps the last one as JSON in *(json_t **)slot,
 * a reference of the caller's, NULL at first. A line that is no JSON gives NULL. */
int json_line_keep(void *slot, struct str text);

#endif
