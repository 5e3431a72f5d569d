#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/describe.h"
#include "config/option.h"
#include "config/units.h"
#include "saga/base/err.h"
#include "saga/base/mem.h"

static const char *const type_words[] = {
	[OPTION_BOOL] = "true, false",
	[OPTION_INTEGER] = "whole number",
	[OPTION_NUMBER] = "number",
	[OPTION_DURATION] = "duration",
	[OPTION_SIZE] = "size",
	[OPTION_RATE] = "rate",
	[OPTION_STRING] = "text",
	[OPTION_PATH] = "path",
	[OPTION_CHOICE] = "choice",
	[OPTION_MARK] = "choice",
	[OPTION_JQ] = "jq program",
	[OPTION_TEXTS] = "text or array",
	[OPTION_JQS] = "jq program or array",
	[OPTION_PATHS] = "path or array",
	[OPTION_OBJECT] = "object",
	[OPTION_ADDRESS] = "HOST:PORT",
	[OPTION_SOCKETS] = "array of `unix:PATH`",
	[OPTION_URL] = "URL",
	[OPTION_STORE] = "`sqlite:PATH`",
	[OPTION_TIMEZONE] = "IANA name",
	[OPTION_CIDRS] = "array of addresses",
	[OPTION_VERIFY] = "`\"none\"` or object",
	[OPTION_EVENT_ID] = "jq program or header",
	[OPTION_SECRETS] = "array of secrets",
	[OPTION_SETTINGS] = "object",
	[OPTION_ORDER_BY] = "jq program or array",
	[OPTION_PARTS] = "array",
	[OPTION_NAMES] = "name or array",
};

static void add_choices(struct buf *to, const char *choices)
{
	for (const char *p = choices;; p++) {
		size_t len = strcspn(p, "|");

		buf_printf(to, "`%.*s`", (int)len, p);
		p += len;
		if (*p == '\0')
			return;
		buf_text(to, ", ");
	}
}

static void measure(const struct option *option, double value, char out[UNITS_TEXT_BYTES])
{
	if (option->type == OPTION_DURATION)
		units_duration_text((int64_t)value, out);
	else if (option->type == OPTION_SIZE)
		units_size_text((int64_t)value, out);
	else
		(void)snprintf(out, UNITS_TEXT_BYTES, "%.10g", value);
}

static void add_type(struct buf *to, const struct option *option)
{
	char least[UNITS_TEXT_BYTES], most[UNITS_TEXT_BYTES];

	if (option->choices != NULL)
		add_choices(to, option->choices);
	else if ((option->flags & OPTION_NAMED) != 0)
		buf_text(to, "objects by name");
	else
		buf_text(to, type_words[option->type]);
	if (option->least == 0 && option->most == 0)
		return;
	measure(option, option->least, least);
	measure(option, option->most, most);
	buf_printf(to, ", %s to %s", least, most);
}

static void add_row(struct buf *to, const struct option *option)
{
	buf_printf(to, "| `%s` | ", option->name);
	add_type(to, option);
	buf_text(to, " | ");
	if (option->fallback != NULL)
		buf_printf(to, "`%s`", option->fallback);
	else if ((option->flags & OPTION_REQUIRED) != 0)
		buf_text(to, "required");
	buf_printf(to, " | %s%s |\n", option->help,
			   (option->flags & OPTION_RESTART) != 0 ? " *Needs a restart.*" : "");
}

static void add_section(struct buf *to, const struct section *section, const char *path)
{
	buf_printf(to, "\n### %s%s%s%s\n\n| Option | Written as | Default | Meaning |\n|---|---|---|---|\n",
			   section->title, path[0] == '\0' ? "" : ": `", path, path[0] == '\0' ? "" : "`");
	for (size_t i = 0; i < section->count; i++)
		add_row(to, &section->options[i]);
	for (size_t i = 0; i < section->count; i++) {
		const struct option *option = &section->options[i];
		const char *parts = option->type != OPTION_PARTS          ? ""
							: (option->flags & OPTION_NAMED) != 0 ? ".NAME"
																  : "[]";
		char *below AUTO_FREE = mem_printf("%s%s%s%s", path, path[0] == '\0' ? "" : ".", option->name, parts);

		if (option->section != NULL)
			add_section(to, option->section, below);
	}
}

void describe_reference(struct buf *to)
{
	add_section(to, section_root(), "");
	buf_byte(to, '\n');
}

int describe_readme(struct str readme, struct buf *to)
{
	const char *begin = memmem(readme.p, readme.len, DESCRIBE_BEGIN "\n", strlen(DESCRIBE_BEGIN "\n"));
	const char *end = memmem(readme.p, readme.len, DESCRIBE_END, strlen(DESCRIBE_END));

	if (begin == NULL || end == NULL || end < begin)
		return ERR_INVALID;
	begin += strlen(DESCRIBE_BEGIN "\n");
	buf_add(to, readme.p, (size_t)(begin - readme.p));
	describe_reference(to);
	buf_add(to, end, (size_t)(readme.p + readme.len - end));
	return 0;
}
