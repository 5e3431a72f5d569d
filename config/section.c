/* Reading a section of JSON into its struct, by its table. */
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/parse.h"
#include "saga/base/mem.h"

static parse_function parse_object;

static parse_function *const parsers[] = {
	[OPTION_BOOL] = parse_bool,
	[OPTION_INTEGER] = parse_integer,
	[OPTION_NUMBER] = parse_number,
	[OPTION_DURATION] = parse_duration,
	[OPTION_SIZE] = parse_size,
	[OPTION_RATE] = parse_rate,
	[OPTION_STRING] = parse_string,
	[OPTION_PATH] = parse_path,
	[OPTION_CHOICE] = parse_choice,
	[OPTION_MARK] = parse_mark,
	[OPTION_JQ] = parse_jq,
	[OPTION_TEXTS] = parse_texts,
	[OPTION_JQS] = parse_jqs,
	[OPTION_PATHS] = parse_paths,
	[OPTION_OBJECT] = parse_object,
	[OPTION_ADDRESS] = parse_address,
	[OPTION_SOCKETS] = parse_sockets,
	[OPTION_URL] = parse_url,
	[OPTION_STORE] = parse_store,
	[OPTION_TIMEZONE] = parse_timezone,
	[OPTION_CIDRS] = parse_cidrs,
	[OPTION_VERIFY] = parse_verify,
	[OPTION_EVENT_ID] = parse_event_id,
	[OPTION_SECRETS] = parse_secrets,
	[OPTION_SETTINGS] = parse_settings,
	[OPTION_ORDER_BY] = parse_order_by,
	[OPTION_OBJECTS] = NULL, /* the caller of reader_section reads these */
	[OPTION_NAMES] = NULL,
};

static void parse_object(struct config_reader *r, const struct config_option *option, const json_t *value,
						 void *base)
{
	reader_section(r, option->section, value, option_field(option, base));
}

/* Defaults are JSON texts that pass through the same parser as a file. */
static void default_of(struct config_reader *r, const struct config_option *option, void *base)
{
	json_t *value;

	if (option->type == OPTION_OBJECT || option->type == OPTION_VERIFY)
		reader_defaults(r, option->section, option_field(option, base));
	if (option->type == OPTION_ORDER_BY)
		((struct config_order *)base)->standard = true;
	if (option->fallback == NULL)
		return;
	value = json_loads(option->fallback, JSON_DECODE_ANY, NULL);
	assert(value != NULL);
	parsers[option->type](r, option, value, base);
	json_decref(value);
}

void reader_defaults(struct config_reader *r, const struct config_section *section, void *base)
{
	size_t errors = r->found->errors;

	for (size_t i = 0; i < section->count; i++)
		default_of(r, &section->options[i], base);
	/* a default that is refused by its own option is an error in tables.c */
	assert(r->found->errors == errors);
}

static void report_unknown_key(struct config_reader *r, const struct config_section *section, const char *key)
{
	struct nearest near = { .wanted = key };
	char clipped[READER_CLIP_BYTES];
	size_t mark = reader_enter(r, key);

	for (size_t i = 0; i < section->count; i++)
		nearest_offer(&near, section->options[i].name);
	reader_clip(key, clipped);
	if (near.best != NULL)
		reader_error(r, NULL, "unknown option \"%s\"; did you mean \"%s\"?", clipped, near.best);
	else
		reader_error(r, NULL, "unknown option \"%s\"", clipped);
	reader_leave(r, mark);
}

static void check_keys(struct config_reader *r, const struct config_section *section, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (!reader_is_comment(key) && option_find(section, key) == NULL)
			report_unknown_key(r, section, key);
	}
}

static void read_option(struct config_reader *r, const struct config_option *option, const json_t *value,
						void *base)
{
	size_t mark = reader_enter(r, option->name);

	if (parsers[option->type] != NULL)
		parsers[option->type](r, option, value, base);
	reader_leave(r, mark);
}

/* Unknown keys first, then the known options in the order of the table. */
void reader_section(struct config_reader *r, const struct config_section *section, const json_t *object,
					void *base)
{
	if (!json_is_object(object)) {
		parse_wrong_kind(r, object, "an object");
		return;
	}
	check_keys(r, section, object);
	for (size_t i = 0; i < section->count; i++) {
		const json_t *value = json_object_get(object, section->options[i].name);

		if (value != NULL)
			read_option(r, &section->options[i], value, base);
	}
}

void reader_require(struct config_reader *r, const struct config_section *section, const json_t *object)
{
	for (size_t i = 0; i < section->count && json_is_object(object); i++) {
		const struct config_option *option = &section->options[i];

		if ((option->flags & OPTION_REQUIRED) != 0 && json_object_get(object, option->name) == NULL)
			reader_error(r, option->help, "\"%s\" is missing", option->name);
	}
}
