/* Checks and reads the members of the JSON objects in the settings of the http connector. */
#include <string.h>

#include "connectors/http/http_settings_internal.h"
#include "connectors/kit/error.h"
#include "connectors/kit/json.h"
#include "connectors/kit/settings.h"

int http_members_check(const json_t *object, const char *where, const char *const *known,
					   struct almoner_error *error)
{
	if (!json_is_object(object))
		return kit_error_set(error, "%s: must be an object", where);
	const char *key = NULL;
	json_t *member = NULL;
	json_object_foreach(kit_json_at(object, ""), key, member)
	{
		size_t i = 0;
		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL)
			return kit_error_set(error, "%s: \"%s\" is not a known member", where, key);
	}
	return 0;
}

static int read_status(struct http_statuses *to, const json_t *value, const char *where,
					   struct almoner_error *error)
{
	json_int_t status = json_integer_value(value);
	if (!json_is_integer(value) || status < 100 || status > 599)
		return kit_error_set(error, "%s: HTTP statuses are whole numbers from 100 to 599", where);
	if (to->count == HTTP_STATUSES_MAX)
		return kit_error_set(error, "%s: more than %d statuses", where, HTTP_STATUSES_MAX);
	to->items[to->count++] = (uint32_t)status;
	return 0;
}

int http_members_statuses(struct http_statuses *to, const json_t *value, const char *where,
						  struct almoner_error *error)
{
	if (value == NULL)
		return 0;
	to->count = 0;
	if (!json_is_array(value))
		return read_status(to, value, where, error);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (read_status(to, json_array_get(value, i), where, error) != 0)
			return -1;
	return 0;
}

int http_members_path(char **to, const json_t *object, const char *name, const char *where,
					  struct almoner_error *error)
{
	const json_t *value = json_object_get(object, name);
	if (value != NULL && !json_is_string(value))
		return kit_error_set(error, "%s: %s must be a path such as \".id\"", where, name);
	*to = kit_settings_text(object, name);
	return 0;
}
