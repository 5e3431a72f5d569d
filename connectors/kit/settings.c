#include "connectors/kit/settings.h"

#include <string.h>

#include "connectors/kit/json.h"

char *kit_settings_text(const json_t *settings, const char *name)
{
	const char *value = json_string_value(json_object_get(settings, name));
	return value == NULL || *value == '\0' ? NULL : strdup(value);
}

int64_t kit_settings_integer(const json_t *settings, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(settings, name);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool kit_settings_bool(const json_t *settings, const char *name)
{
	return json_is_true(json_object_get(settings, name));
}

bool kit_settings_choice_is(const json_t *settings, const char *name, const char *choice)
{
	const char *value = json_string_value(json_object_get(settings, name));
	return value != NULL && strcmp(value, choice) == 0;
}

bool kit_settings_is_token(const char *text)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
	return *text != '\0' && text[strspn(text, allowed)] == '\0';
}
