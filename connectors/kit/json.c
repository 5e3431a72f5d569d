#include "connectors/kit/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/kit/escape.h"

json_t *kit_json_parse(struct almoner_text input)
{
	return input.p == NULL ? NULL : json_loadb(input.p, input.len, JSON_DECODE_ANY, NULL);
}

void kit_json_drop(json_t **slot)
{
	json_decref(*slot);
	*slot = NULL;
}

/* A position has at most 9 digits, so that strtoul cannot overflow. */
json_t *kit_json_member(const json_t *value, const char *name, size_t len)
{
	assert(name != NULL);
	char key[256];
	if (len == 0 || len >= sizeof key)
		return NULL;
	memcpy(key, name, len);
	key[len] = '\0';
	if (json_is_object(value))
		return json_object_get(value, key);
	if (!json_is_array(value) || strspn(key, "0123456789") != len || len > 9)
		return NULL;
	return json_array_get(value, strtoul(key, NULL, 10));
}

/* The getters of jansson take a const value and return one that is not const. The kit's getters do the same;
 * none of their callers changes the value. */
static json_t *without_const(const json_t *value)
{
	union {
		const json_t *constant;
		json_t *free;
	} u = { .constant = value };
	return u.free;
}

/* Two dots in a row name an empty member, which does not exist. */
json_t *kit_json_at(const json_t *root, const char *path)
{
	assert(path != NULL);
	const json_t *value = root;
	if (*path == '.')
		path++;
	while (*path != '\0' && value != NULL) {
		size_t len = strcspn(path, ".");
		value = kit_json_member(value, path, len);
		path += len;
		if (*path == '.')
			path++;
	}
	return without_const(value);
}

const char *kit_json_text_at(const json_t *root, const char *path)
{
	const json_t *value = kit_json_at(root, path);
	return json_is_string(value) && json_string_length(value) > 0 ? json_string_value(value) : NULL;
}

bool kit_json_is_present(const json_t *value)
{
	switch (value == NULL ? JSON_NULL : json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_TRUE:
		return true;
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return false;
}

/* 15 digits are enough for a number that people wrote, 17 for every double. */
static void write_real(struct kit_text *t, double real)
{
	char out[40];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, sizeof out, "%.*g", digits, real);
		if (strtod(out, NULL) == real)
			break;
	}
	kit_text_puts(t, out);
	if (strpbrk(out, ".e") == NULL)
		kit_text_puts(t, ".0");
}

/* jansson itself would write the real number 0.1 as 0.10000000000000001. */
bool kit_json_scalar(struct kit_text *t, const json_t *value)
{
	switch (value == NULL ? JSON_NULL : json_typeof(value)) {
	case JSON_STRING:
		kit_text_add(t, json_string_value(value), json_string_length(value));
		return true;
	case JSON_INTEGER:
		kit_text_printf(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return true;
	case JSON_REAL:
		write_real(t, json_real_value(value));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		kit_text_puts(t, json_is_true(value) ? "true" : "false");
		return true;
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_NULL:
		break;
	}
	return false;
}

static void write_object(struct kit_text *t, json_t *object)
{
	const char *key = NULL;
	json_t *member = NULL;
	bool first = true;
	kit_text_putc(t, '{');
	json_object_foreach(object, key, member)
	{
		if (!first)
			kit_text_putc(t, ',');
		first = false;
		kit_escape_json_string(t, key, strlen(key));
		kit_text_putc(t, ':');
		kit_json_write(t, member);
	}
	kit_text_putc(t, '}');
}

static void write_array(struct kit_text *t, const json_t *array)
{
	kit_text_putc(t, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0)
			kit_text_putc(t, ',');
		kit_json_write(t, json_array_get(array, i));
	}
	kit_text_putc(t, ']');
}

void kit_json_write(struct kit_text *t, const json_t *value)
{
	if (json_is_object(value))
		write_object(t, without_const(value));
	else if (json_is_array(value))
		write_array(t, value);
	else if (json_is_string(value))
		kit_escape_json_string(t, json_string_value(value), json_string_length(value));
	else if (!kit_json_scalar(t, value))
		kit_text_puts(t, "null");
}

const char *kit_json_id(const json_t *reply, const char *path, char out[KIT_JSON_ID_BYTES])
{
	assert(out != NULL);
	struct kit_text t AUTO_TEXT = { 0 };
	const json_t *value = kit_json_at(reply, path);
	if (!kit_json_scalar(&t, value) || t.len == 0 || t.len >= KIT_JSON_ID_BYTES)
		return NULL;
	memcpy(out, t.p, t.len + 1);
	return out;
}
