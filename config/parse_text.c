/* Parsing of texts, choices, programs, and lists of them. */
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/parse.h"
#include "saga/base/mem.h"

/* A value from the environment or a file can be empty or not UTF-8; one in the JSON file is always UTF-8. */
char *parse_plain_text(struct config_reader *r, const json_t *value)
{
	char *text = NULL;
	bool literal = false;

	if (reader_text(r, value, &text, &literal) != 0)
		return NULL;
	if (text[0] == '\0')
		reader_error(r, "a text; to set none, leave the option out", "the text is empty");
	else if (!reader_is_utf8(text))
		reader_error(r, NULL, "the text is not valid UTF-8");
	else
		return text;
	free(text);
	return NULL;
}

void parse_set(const struct config_option *option, void *base, char *text)
{
	char **slot = option_field(option, base);

	free(*slot);
	*slot = text;
}

void parse_string(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base)
{
	char *text = parse_plain_text(r, value);

	if (text != NULL)
		parse_set(option, base, text);
}

void parse_path(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	char *text AUTO_FREE = parse_plain_text(r, value);

	if (text != NULL)
		parse_set(option, base, reader_resolve_path(r->doc->dir, text));
}

/* ---- choices ---- */

static char *choices_as_text(const char *choices)
{
	struct buf list = { 0 };

	for (; *choices != '\0'; choices++) {
		if (*choices == '|')
			buf_text(&list, strchr(choices + 1, '|') == NULL ? " or " : ", ");
		else
			buf_byte(&list, (uint8_t)*choices);
	}
	return buf_take(&list);
}

/* `word` is what was written; the nearest choice is proposed. */
static void report_unknown_choice(struct config_reader *r, const char *choices, const char *word,
								  const char *expected)
{
	struct nearest near = { .wanted = word };
	char clipped[READER_CLIP_BYTES];
	struct config_list names = { 0 };

	for (;; choices++) {
		config_list_add_owned(&names, option_choice_name(choices, 0));
		nearest_offer(&near, names.items[names.count - 1]);
		choices += strcspn(choices, "|");
		if (*choices == '\0')
			break;
	}
	reader_clip(word, clipped);
	if (near.best != NULL)
		reader_error(r, expected, "\"%s\" is not a choice; did you mean \"%s\"?", clipped, near.best);
	else
		reader_error(r, expected, "\"%s\" is not a choice", clipped);
	config_list_finish(&names);
}

static int choice_of(struct config_reader *r, const struct config_option *option, const json_t *value)
{
	char *expected AUTO_FREE = choices_as_text(option->choices);
	int index;

	if (!json_is_string(value)) {
		parse_wrong_kind(r, value, expected);
		return -1;
	}
	index = option_choice_index(option->choices, json_string_value(value));
	if (index < 0)
		report_unknown_choice(r, option->choices, json_string_value(value), expected);
	return index;
}

void parse_choice(struct config_reader *r, const struct config_option *option, const json_t *value,
				  void *base)
{
	int index = choice_of(r, option, value);
	unsigned choice = (unsigned)index;

	/* The enum of an option counts from 0 in the order of its choices. */
	if (index >= 0)
		memcpy(option_field(option, base), &choice, sizeof(choice));
}

void parse_mark(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	if (choice_of(r, option, value) == 0)
		*(bool *)option_field(option, base) = true;
}

/* ---- programs ---- */

void parse_jq(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	char *program = NULL;

	if (reader_jq(r, value, &program) == 0)
		parse_set(option, base, program);
}

/* Parses `event_id`, which sets one of two fields (program or header) and clears the other, which a preset
 * may have set. */
void parse_event_id(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base)
{
	struct config_source *source = base;
	const json_t *header = json_object_get(value, "header");
	char *program = NULL;

	if (header != NULL) {
		if (json_object_size(value) != 1 || !json_is_string(header) || json_string_length(header) == 0) {
			reader_error(r, "{\"header\": NAME}", "the name of the header is missing");
			return;
		}
		option_finish(option, base);
		source->event_id_header = mem_strdup(json_string_value(header));
	} else if (reader_jq(r, value, &program) == 0) {
		option_finish(option, base);
		source->event_id = program;
	}
}

/* ---- lists ---- */

typedef char *item_function(struct config_reader *r, const json_t *value);

static void add_item(struct config_reader *r, const json_t *value, item_function *item,
					 struct config_list *list)
{
	char *text = item(r, value);

	if (text != NULL)
		config_list_add_owned(list, text);
}

/* Replaces the list by one item, or by an array of items. */
static void list_of(struct config_reader *r, const json_t *value, item_function *item,
					struct config_list *list)
{
	size_t index;
	json_t *member;

	config_list_finish(list);
	if (!json_is_array(value)) {
		add_item(r, value, item, list);
		return;
	}
	json_array_foreach(value, index, member)
	{
		size_t mark = reader_enter_index(r, index);

		add_item(r, member, item, list);
		reader_leave(r, mark);
	}
}

static char *path_item(struct config_reader *r, const json_t *value)
{
	char *text AUTO_FREE = parse_plain_text(r, value);

	return text == NULL ? NULL : reader_resolve_path(r->doc->dir, text);
}

static char *jq_item(struct config_reader *r, const json_t *value)
{
	char *program = NULL;

	return reader_jq(r, value, &program) == 0 ? program : NULL;
}

void parse_texts(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	list_of(r, value, parse_plain_text, option_field(option, base));
}

void parse_paths(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	list_of(r, value, path_item, option_field(option, base));
}

void parse_jqs(struct config_reader *r, const struct config_option *option, const json_t *value, void *base)
{
	list_of(r, value, jq_item, option_field(option, base));
}

void parse_order_by(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base)
{
	struct config_order *order = base;

	(void)option;
	order->standard = false;
	if (json_is_string(value) && json_string_length(value) == 0)
		config_list_finish(&order->by); /* "": no order is wanted */
	else
		list_of(r, value, jq_item, &order->by);
}

void parse_secrets(struct config_reader *r, const struct config_option *option, const json_t *value,
				   void *base)
{
	option_finish(option, base);
	reader_secrets(r, value, base);
}

void parse_settings(struct config_reader *r, const struct config_option *option, const json_t *value,
					void *base)
{
	(void)option;
	reader_settings(r, value, base);
}
