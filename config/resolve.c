/* Texts and programs that may be references: {"$env": NAME}, {"$file": PATH}. */
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "saga/base/mem.h"

bool reader_is_reference(const json_t *value)
{
	return json_object_get(value, "$env") != NULL || json_object_get(value, "$file") != NULL;
}

bool reader_is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string != NULL;
}

/* Checks that the object has only the members of a reference. */
static bool reference_ok(struct config_reader *r, const json_t *value)
{
	bool env = json_object_get(value, "$env") != NULL;
	const char *key;
	json_t *member;

	/* jansson declares the iteration for non-const objects, but does not change them */
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		bool known = strcmp(key, env ? "$env" : "$file") == 0 || (env && strcmp(key, "default") == 0) ||
					 reader_is_comment(key);

		if (!known || !json_is_string(member)) {
			reader_error(r, env ? "{\"$env\": NAME}, with \"default\": TEXT if wanted" : "{\"$file\": PATH}",
						 "\"%s\" is not allowed here, or is not a string", key);
			return false;
		}
	}
	return true;
}

/* Reports a secret that cannot be read: as an error, or as a warning for commands that need no secrets
 * (struct config_hooks: lenient). */
static void report_unreadable(struct config_reader *r, const char *before, const char *what,
							  const char *after)
{
	if (r->hooks->lenient)
		reader_warn(r, NULL, "%s%s%s", before, what, after);
	else
		reader_error(r, NULL, "%s%s%s", before, what, after);
}

/* The kept value of the variable, the environment, or the default, in this order. */
static int text_of_env(struct config_reader *r, const json_t *value, char **ret_text)
{
	const char *name = json_string_value(json_object_get(value, "$env"));
	const char *fallback = json_string_value(json_object_get(value, "default"));
	const char *text = config_env_get(r->hooks->env, name);
	char clipped[READER_CLIP_BYTES];

	if (text == NULL)
		text = fallback;
	if (text == NULL) {
		reader_clip(name, clipped);
		report_unreadable(r, "the environment variable ", clipped, " is not set");
		return ERR_INVALID;
	}
	*ret_text = mem_strdup(text);
	return 0;
}

/* The file is noted even if it cannot be read, so that the list of files shows what was expected. A text
 * with a zero byte is rejected, because the rest of it would be ignored silently. */
static int text_of_file(struct config_reader *r, const json_t *value, char **ret_text)
{
	const char *name = json_string_value(json_object_get(value, "$file"));
	char *path AUTO_FREE = reader_resolve_path(r->doc->dir, name);
	struct buf text;
	struct err err = { 0 };
	int code;

	buf_init(&text, (size_t)1024 * 1024);
	code = document_read_file(path, &text, &err);
	reader_note_file(r, path);
	if (code == 0 && text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		code = err_set(&err, ERR_INVALID, "%s is not a text: it contains a zero byte", path);
	if (code != 0) {
		report_unreadable(r, "", err.text, "");
		buf_free(&text);
		return ERR_INVALID;
	}
	*ret_text = buf_take(&text);
	return 0;
}

/* Editors end a file with a line break, which is not part of the secret. */
static void drop_line_break(char *text)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len > 0 && text[len - 1] == '\r')
		text[--len] = '\0';
}

/* A literal string, or one of the two kinds of reference. */
int reader_text(struct config_reader *r, const json_t *value, char **ret_text, bool *ret_literal)
{
	int code;

	*ret_literal = json_is_string(value);
	if (*ret_literal) {
		*ret_text = mem_strdup(json_string_value(value));
		return 0;
	}
	if (!reader_is_reference(value)) {
		reader_error(r, "a string, {\"$env\": NAME} or {\"$file\": PATH}", "this is %s",
					 reader_kind_of(value));
		return ERR_INVALID;
	}
	if (!reference_ok(r, value))
		return ERR_INVALID;
	if (json_object_get(value, "$env") != NULL)
		return text_of_env(r, value, ret_text);
	code = text_of_file(r, value, ret_text);
	if (code == 0)
		drop_line_break(*ret_text);
	return code;
}

/* ---- programs ---- */

static void check_jq(struct config_reader *r, const char *program)
{
	struct err err = { 0 };

	if (r->hooks->compile != NULL && r->hooks->compile(r->hooks->ctx, program, &err) != 0)
		reader_error(r, "a jq program", "jq rejects this program: %s", err.text);
}

/* A program from the environment is rejected: it would not be part of the files that an operator reviews. */
int reader_jq(struct config_reader *r, const json_t *value, char **ret_program)
{
	bool literal = false;

	if (json_object_get(value, "$env") != NULL) {
		reader_error(r, "a jq program, or {\"$file\": PATH}", "a program cannot come from the environment");
		return ERR_INVALID;
	}
	if (reader_text(r, value, ret_program, &literal) != 0)
		return ERR_INVALID;
	if ((*ret_program)[strspn(*ret_program, " \t\r\n")] == '\0')
		reader_error(r, "a jq program such as \".\"", "the program is empty");
	else if (!reader_is_utf8(*ret_program))
		reader_error(r, "a jq program", "the program is not valid UTF-8");
	else {
		check_jq(r, *ret_program);
		return 0;
	}
	free(*ret_program);
	return ERR_INVALID;
}
