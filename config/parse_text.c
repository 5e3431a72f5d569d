/* Texts, choices, programs and lists of them, from JSON into structs. */
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/parse.h"
#include "saga/base/mem.h"

char *parse_plain_text(struct reading *r, const json_t *value)
{
	char *text = NULL;
	bool literal = false;

	if (reading_text(r, value, &text, &literal) != 0)
		return NULL;
	if (text[0] == '\0')
		reading_error(r, "a text; leave the key out for none", "the text is empty");
	else if (!reading_is_utf8(text))
		reading_error(r, NULL, "the text is not valid UTF-8");
	else
		return text;
	free(text);
	return NULL;
}

void parse_set(const struct option *option, void *base, char *text)
{
	char **slot = option_field(option, base);

	free(*slot);
	*slot = text;
}

void parse_string(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	char *text = parse_plain_text(r, value);

	if (text != NULL)
		parse_set(option, base, text);
}

void parse_path(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	char *text AUTO_FREE = parse_plain_text(r, value);

	if (text != NULL)
		parse_set(option, base, reading_resolve(r->doc->dir, text));
}

/* ---- choices ---- */

static char *choices_in_words(const char *choices)
{
	struct buf words = { 0 };

	for (; *choices != '\0'; choices++) {
		if (*choices == '|')
			buf_text(&words, strchr(choices + 1, '|') == NULL ? " or " : ", ");
		else
			buf_byte(&words, (uint8_t)*choices);
	}
	return buf_take(&words);
}

static void complain_of_choice(struct reading *r, const char *choices, const char *word, const char *expected)
{
	struct nearest near = { .wanted = word };
	char clipped[READING_CLIP_BYTES];
	struct config_list names = { 0 };

	for (;; choices++) {
		config_list_add_owned(&names, option_choice_name(choices, 0));
		nearest_offer(&near, names.items[names.count - 1]);
		choices += strcspn(choices, "|");
		if (*choices == '\0')
			break;
	}
	reading_clip(word, clipped);
	if (near.best != NULL)
		reading_error(r, expected, "\"%s\" is not a choice; did you mean \"%s\"?", clipped, near.best);
	else
		reading_error(r, expected, "\"%s\" is not a choice", clipped);
	config_list_finish(&names);
}

static int choice_of(struct reading *r, const struct option *option, const json_t *value)
{
	char *expected AUTO_FREE = choices_in_words(option->choices);
	int index;

	if (!json_is_string(value)) {
		parse_wrong_kind(r, value, expected);
		return -1;
	}
	index = option_choice_index(option->choices, json_string_value(value));
	if (index < 0)
		complain_of_choice(r, option->choices, json_string_value(value), expected);
	return index;
}

void parse_choice(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	int index = choice_of(r, option, value);
	unsigned choice = (unsigned)index;

	/* Every enum an option fills counts from 0 in the order of its choices. */
	if (index >= 0)
		memcpy(option_field(option, base), &choice, sizeof(choice));
}

void parse_mark(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	if (choice_of(r, option, value) == 0)
		*(bool *)option_field(option, base) = true;
}

/* ---- programs ---- */

void parse_jq(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	char *program = NULL;

	if (reading_jq(r, value, &program) == 0)
		parse_set(option, base, program);
}

void parse_event_id(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	struct config_source *source = base;
	const json_t *header = json_object_get(value, "header");
	char *program = NULL;

	if (header != NULL) {
		if (json_object_size(value) != 1 || !json_is_string(header) || json_string_length(header) == 0) {
			reading_error(r, "{\"header\": NAME}", "the header is not named");
			return;
		}
		option_finish(option, base);
		source->event_id_header = mem_strdup(json_string_value(header));
	} else if (reading_jq(r, value, &program) == 0) {
		option_finish(option, base);
		source->event_id = program;
	}
}

/* ---- lists ---- */

typedef char *item_function(struct reading *r, const json_t *value);

static void add_item(struct reading *r, const json_t *value, item_function *item, struct config_list *list)
{
	char *text = item(r, value);

	if (text != NULL)
		config_list_add_owned(list, text);
}

/* One item, or an array of them, in place of what the list held. */
static void list_of(struct reading *r, const json_t *value, item_function *item, struct config_list *list)
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
		size_t mark = reading_enter_index(r, index);

		add_item(r, member, item, list);
		reading_leave(r, mark);
	}
}

static char *path_item(struct reading *r, const json_t *value)
{
	char *text AUTO_FREE = parse_plain_text(r, value);

	return text == NULL ? NULL : reading_resolve(r->doc->dir, text);
}

static char *jq_item(struct reading *r, const json_t *value)
{
	char *program = NULL;

	return reading_jq(r, value, &program) == 0 ? program : NULL;
}

void parse_texts(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	list_of(r, value, parse_plain_text, option_field(option, base));
}

void parse_paths(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	list_of(r, value, path_item, option_field(option, base));
}

void parse_jqs(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	list_of(r, value, jq_item, option_field(option, base));
}

void parse_order_by(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	struct config_order *order = base;

	(void)option;
	order->standard = false;
	if (json_is_string(value) && json_string_length(value) == 0)
		config_list_finish(&order->by); /* no lines, on purpose */
	else
		list_of(r, value, jq_item, &order->by);
}

void parse_secrets(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	option_finish(option, base);
	reading_secrets(r, value, base);
}

void parse_settings(struct reading *r, const struct option *option, const json_t *value, void *base)
{
	(void)option;
	reading_settings(r, value, base);
}
