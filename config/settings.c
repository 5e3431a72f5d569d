/* The settings of a target for its connector: a copy of the JSON with its references resolved. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

static json_t *resolve_value(struct config_reader *r, const json_t *value);

/* Resolves the references in a copy of the object that has no "$comment" members, at every depth. */
static json_t *resolve_object(struct config_reader *r, const json_t *value)
{
	json_t *copy = json_object();
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		size_t mark;

		if (strcmp(key, "$comment") == 0) /* "$schema" is kept: it may belong to a body */
			continue;
		mark = reader_enter(r, key);
		json_object_set_new(copy, key, resolve_value(r, member));
		reader_leave(r, mark);
	}
	return copy;
}

static json_t *resolve_array(struct config_reader *r, const json_t *value)
{
	json_t *copy = json_array();
	size_t index;
	json_t *item;

	json_array_foreach(value, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		json_array_append_new(copy, resolve_value(r, item));
		reader_leave(r, mark);
	}
	return copy;
}

/* {"$env": NAME, "default": 25}: the default is a number, so the value of the variable becomes a number
 * too. */
static json_t *integer_of_env(struct config_reader *r, const json_t *value)
{
	const char *name = json_string_value(json_object_get(value, "$env"));
	const char *text = name == NULL ? NULL : config_env_get(r->hooks->env, name);
	char *end = NULL;
	long long number;

	if (name == NULL)
		reader_error(r, "{\"$env\": NAME}", "the name of the variable is not a string");
	if (text == NULL)
		return json_copy(json_object_get(value, "default"));
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		reader_error(r, "a whole number, as its default is",
					 "the environment variable %s is not a whole number", name);
	return json_integer(number);
}

/* A deep copy with references replaced by their texts. A text that cannot be read becomes "", after an
 * error was added. Recursive; jansson limits how deeply a document may nest. */
static json_t *resolve_value(struct config_reader *r, const json_t *value)
{
	char *text = NULL;
	bool literal = false;
	json_t *string;

	if (json_is_integer(json_object_get(value, "default")) && json_object_get(value, "$env") != NULL)
		return integer_of_env(r, value);
	if (json_is_object(value) && reader_is_reference(value)) {
		if (reader_text(r, value, &text, &literal) != 0)
			return json_string("");
		string = json_string(text);
		if (string == NULL) {
			reader_error(r, NULL, "the text is not valid UTF-8");
			string = json_string("");
		}
		config_env_wipe(text);
		return string;
	}
	if (json_is_object(value))
		return resolve_object(r, value);
	if (json_is_array(value))
		return resolve_array(r, value);
	return json_deep_copy(value);
}

void reader_settings(struct config_reader *r, const json_t *value, struct config_target *target)
{
	json_decref(target->settings);
	json_decref(target->written);
	target->written = json_deep_copy(value);
	if (!json_is_object(value) || reader_is_reference(value)) {
		reader_error(r, "an object", "this is %s", reader_kind_of(value));
		target->settings = json_object();
		return;
	}
	target->settings = resolve_value(r, value);
}
