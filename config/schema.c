/* The JSON Schema of the main file, from the option tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/describe.h"
#include "config/option.h"
#include "config/units.h"
#include "saga/base/err.h"
#include "saga/base/mem.h"

/* Shapes that many options share; they are in $defs, like the sections. */
static const char shapes[] =
	"{\"env\": {\"type\": \"object\", \"required\": [\"$env\"], \"additionalProperties\": false, "
	"\"properties\": "
	"{\"$env\": {\"type\": \"string\"}, \"default\": {\"type\": \"string\"}, \"$comment\": true}},"
	" \"file\": {\"type\": \"object\", \"required\": [\"$file\"], \"additionalProperties\": false, "
	"\"properties\": "
	"{\"$file\": {\"type\": \"string\"}, \"$comment\": true}},"
	" \"text\": {\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/env\"}, {\"$ref\": "
	"\"#/$defs/file\"}]},"
	" \"program\": {\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/file\"}]}}";

static json_t *ref(const char *name)
{
	return json_sprintf("#/$defs/%s", name);
}

static json_t *shape(const char *name)
{
	return json_pack("{s:o}", "$ref", ref(name));
}

static json_t *array_of(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

/* One value of this shape, or an array of them. */
static json_t *one_or_many(const char *name)
{
	return json_pack("{s:[o,o]}", "anyOf", shape(name), array_of(shape(name)));
}

static json_t *text_pattern(const char *pattern)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *number_of(const struct config_option *option, const char *type)
{
	json_t *schema = json_pack("{s:s}", "type", type);

	if (option->least == 0 && option->most == 0)
		return schema;
	json_object_set_new(schema, "minimum",
						floor(option->least) == option->least ? json_integer((json_int_t)option->least)
															  : json_real(option->least));
	json_object_set_new(schema, "maximum", json_integer((json_int_t)option->most));
	return schema;
}

static json_t *choice_of(const struct config_option *option)
{
	json_t *values = json_array();
	const char *rest = option->choices;

	for (;;) {
		json_array_append_new(values, json_stringn(rest, strcspn(rest, "|")));
		rest += strcspn(rest, "|");
		if (*rest++ == '\0')
			break;
	}
	return json_pack("{s:o}", "enum", values);
}

static json_t *objects_of(const struct config_option *option)
{
	if ((option->flags & OPTION_BY_NAME) == 0)
		return array_of(shape(option->section->name));
	return json_pack("{s:s, s:{s:b}, s:o}", "type", "object", "properties", "$comment", 1,
					 "additionalProperties", shape(option->section->name));
}

/* No pattern restricts addresses, paths and URLs: a reference {"$env": …} may stand for each of them. */
static json_t *schema_of(const struct config_option *option)
{
	switch (option->type) {
	case OPTION_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case OPTION_INTEGER:
		return number_of(option, "integer");
	case OPTION_NUMBER:
		return number_of(option, "number");
	case OPTION_DURATION:
		return text_pattern(UNITS_DURATION_PATTERN);
	case OPTION_SIZE:
		return json_pack("{s:[o,{s:s}]}", "anyOf", text_pattern(UNITS_SIZE_PATTERN), "type", "integer");
	case OPTION_RATE:
		return text_pattern(UNITS_RATE_PATTERN);
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_ADDRESS:
	case OPTION_URL:
	case OPTION_STORE:
	case OPTION_TIMEZONE:
		return shape("text");
	case OPTION_CHOICE:
	case OPTION_MARK:
		return choice_of(option);
	case OPTION_JQ:
		return shape("program");
	case OPTION_JQS:
	case OPTION_ORDER_BY:
		return one_or_many("program");
	case OPTION_TEXTS:
	case OPTION_PATHS:
	case OPTION_NAMES:
	case OPTION_SECRETS:
		return one_or_many("text");
	case OPTION_SOCKETS:
	case OPTION_CIDRS:
		return array_of(shape("text"));
	case OPTION_OBJECT:
		return shape(option->section->name);
	case OPTION_VERIFY:
		return json_pack("{s:[{s:s},o]}", "anyOf", "const", "none", shape(option->section->name));
	case OPTION_EVENT_ID:
		return json_pack("{s:[o,{s:s, s:[s], s:{s:{s:s}}}]}", "anyOf", shape("program"), "type", "object",
						 "required", "header", "properties", "header", "type", "string");
	case OPTION_SETTINGS:
		return json_pack("{s:s}", "type", "object");
	case OPTION_OBJECTS:
		return objects_of(option);
	}
	return NULL;
}

/* "$comment" is allowed in every section; any other unknown key is an error for the editor, as it is for
 * the parser. */
static json_t *section_schema(const struct config_section *section)
{
	json_t *properties = json_pack("{s:b}", "$comment", 1);
	json_t *required = json_array();
	json_t *schema;

	for (size_t i = 0; i < section->count; i++) {
		const struct config_option *option = &section->options[i];
		json_t *value = schema_of(option);

		json_object_set_new(value, "description", json_string(option->help));
		if (option->fallback != NULL)
			json_object_set_new(value, "default", json_loads(option->fallback, JSON_DECODE_ANY, NULL));
		json_object_set_new(properties, option->name, value);
		if ((option->flags & OPTION_REQUIRED) != 0)
			json_array_append_new(required, json_string(option->name));
	}
	schema = json_pack("{s:s, s:s, s:b, s:o}", "title", section->title, "type", "object",
					   "additionalProperties", 0, "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

/* Adds the sections below this one, recursively; the tables are at most four levels deep. */
static void add_sections(json_t *definitions, const struct config_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct config_section *below = section->options[i].section;

		if (below == NULL || json_object_get(definitions, below->name) != NULL)
			continue;
		json_object_set_new(definitions, below->name, section_schema(below));
		add_sections(definitions, below);
	}
}

/* The main file is the root of the schema; every other section is a definition in $defs. */
void describe_schema(struct buf *to)
{
	json_t *schema = json_pack("{s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_t *definitions = json_loads(shapes, 0, NULL);
	json_t *root = section_schema(table_root());
	char *text;

	assert(definitions != NULL);
	json_object_update(schema, root);
	json_object_set_new(json_object_get(schema, "properties"), "$schema", json_true());
	json_object_set_new(schema, "title", json_string("Configuration of almoner"));
	add_sections(definitions, table_root());
	json_object_set_new(schema, "$defs", definitions);
	text = json_dumps(schema, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	buf_text(to, text);
	buf_byte(to, '\n');
	free(text);
	json_decref(root);
	json_decref(schema);
}
