#include "gateway/commands/json_line.h"

#include <stdio.h>
#include <string.h>

#include "saga/base/mem.h"

bool json_line_wanted(const struct command_line *line, int operand_count)
{
	assert(operand_count >= 0);
	return line->argc == operand_count + 1 && strcmp(line->argv[operand_count], "--json") == 0;
}

void json_line_set_text(json_t *object, const char *member, const char *text)
{
	json_object_set_new(object, member, text != NULL && *text != '\0' ? json_string(text) : json_null());
}

void json_line_print(json_t *value)
{
	char *text AUTO_FREE = json_dumps(value, JSON_COMPACT);
	puts(text != NULL ? text : "{}");
	json_decref(value);
}

int json_line_keep(void *slot, struct str text)
{
	json_t **kept = slot;
	json_decref(*kept);
	*kept = json_loadb(text.p, text.len, 0, NULL);
	return 0;
}
