/* The option reference, for README.md and the manual page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/describe.h"
#include "config/option.h"
#include "config/units.h"
#include "saga/base/err.h"
#include "saga/base/mem.h"

static const char *const type_names[] = {
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
	[OPTION_OBJECTS] = "array",
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

static void measure_text(const struct config_option *option, double value, char out[UNITS_TEXT_BYTES])
{
	if (option->type == OPTION_DURATION)
		units_duration_text((int64_t)value, out);
	else if (option->type == OPTION_SIZE)
		units_size_text((int64_t)value, out);
	else
		snprintf(out, UNITS_TEXT_BYTES, "%.10g", value);
}

/* "duration, 1s to 1d": the form of an option and its range. */
static void add_type(struct buf *to, const struct config_option *option)
{
	char least[UNITS_TEXT_BYTES], most[UNITS_TEXT_BYTES];

	if (option->choices != NULL)
		add_choices(to, option->choices);
	else if ((option->flags & OPTION_BY_NAME) != 0)
		buf_text(to, "objects by name");
	else
		buf_text(to, type_names[option->type]);
	if (option->least == 0 && option->most == 0)
		return;
	measure_text(option, option->least, least);
	measure_text(option, option->most, most);
	buf_printf(to, ", %s to %s", least, most);
}

/* ---- as Markdown, and as a manual page ---- */

struct describe_style {
	void (*head)(struct buf *to, const struct config_section *section, const char *path);
	void (*row)(struct buf *to, const struct config_option *option);
	const char *foot;
};

static const char *restart_note(const struct config_option *option, const char *text)
{
	return (option->flags & OPTION_RESTART) != 0 ? text : "";
}

static void readme_head(struct buf *to, const struct config_section *section, const char *path)
{
	buf_printf(to, "\n### %s%s%s%s\n\n| Option | Written as | Default | Meaning |\n|---|---|---|---|\n",
			   section->title, path[0] == '\0' ? "" : ": `", path, path[0] == '\0' ? "" : "`");
}

static void readme_row(struct buf *to, const struct config_option *option)
{
	buf_printf(to, "| `%s` | ", option->name);
	add_type(to, option);
	buf_text(to, " | ");
	if (option->fallback != NULL)
		buf_printf(to, "`%s`", option->fallback);
	else if ((option->flags & OPTION_REQUIRED) != 0)
		buf_text(to, "required");
	buf_printf(to, " | %s%s |\n", option->help, restart_note(option, " *Needs a restart.*"));
}

static const struct describe_style readme_style = { readme_head, readme_row, "" };

/* A line of text for roff. The help texts use backquotes for code, as in Markdown; they are left out here. */
static void add_line(struct buf *to, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_text(to, "\\&");
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			buf_text(to, "\\e");
		else if (*text != '`')
			buf_byte(to, (uint8_t)*text);
	}
	buf_byte(to, '\n');
}

static void man_head(struct buf *to, const struct config_section *section, const char *path)
{
	buf_printf(to, ".Ss \"%s%s%s\"\n.Bl -tag -width Ds\n", section->title, path[0] == '\0' ? "" : ": ", path);
}

static void man_row(struct buf *to, const struct config_option *option)
{
	AUTO_BUF struct buf form = { 0 };
	buf_byte(&form, '(');
	add_type(&form, option);
	if (option->fallback != NULL)
		buf_printf(&form, "; default %s", option->fallback);
	buf_text(&form, (option->flags & OPTION_REQUIRED) != 0 ? "; required)" : ")");
	buf_printf(to, ".It Cm %s\n", option->name);
	add_line(to, form.data);
	add_line(to, option->help);
	buf_text(to, restart_note(option, "Needs a restart.\n"));
}

static const struct describe_style man_style = { man_head, man_row, ".El\n" };

/* A section, then the sections below it; NAME stands for a name and [] for an element of an array. */
static void add_section(struct buf *to, const struct describe_style *style,
						const struct config_section *section, const char *path)
{
	style->head(to, section, path);
	for (size_t i = 0; i < section->count; i++)
		style->row(to, &section->options[i]);
	buf_text(to, style->foot);
	for (size_t i = 0; i < section->count; i++) {
		const struct config_option *option = &section->options[i];
		const char *suffix = option->type != OPTION_OBJECTS          ? ""
							 : (option->flags & OPTION_BY_NAME) != 0 ? ".NAME"
																	 : "[]";
		char *below AUTO_FREE =
			mem_printf("%s%s%s%s", path, path[0] == '\0' ? "" : ".", option->name, suffix);

		if (option->section != NULL)
			add_section(to, style, option->section, below);
	}
}

/* Copies `text` and replaces what is between its two marker lines by `within`. */
static int replace_between(struct str text, const char *begin_line, const char *end_line,
						   const struct buf *within, struct buf *to)
{
	const char *begin = memmem(text.p, text.len, begin_line, strlen(begin_line));
	const char *end = memmem(text.p, text.len, end_line, strlen(end_line));

	if (begin == NULL || end == NULL || end < begin)
		return ERR_INVALID;
	begin += strlen(begin_line);
	buf_add(to, text.p, (size_t)(begin - text.p));
	buf_add(to, within->data, within->len);
	buf_add(to, end, (size_t)(text.p + text.len - end));
	return 0;
}

int describe_readme(struct str readme, struct buf *to)
{
	AUTO_BUF struct buf within = { 0 };

	add_section(&within, &readme_style, table_root(), "");
	buf_byte(&within, '\n');
	return replace_between(readme, DESCRIBE_BEGIN "\n", DESCRIBE_END, &within, to);
}

int describe_man(struct str page, struct buf *to)
{
	AUTO_BUF struct buf within = { 0 };

	add_section(&within, &man_style, table_root(), "");
	return replace_between(page, DESCRIBE_MAN_BEGIN "\n", DESCRIBE_MAN_END, &within, to);
}
