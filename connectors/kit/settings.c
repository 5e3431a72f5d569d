#include "connectors/kit/settings.h"

#include <assert.h>
#include <string.h>

#include "connectors/kit/error.h"
#include "connectors/kit/json.h"
#include "connectors/kit/template.h"
#include "saga/base/mem.h"

char *kit_settings_text(const json_t *settings, const char *name)
{
	assert(name != NULL);
	const char *value = json_string_value(json_object_get(settings, name));
	return value == NULL || *value == '\0' ? NULL : mem_strdup(value);
}

int64_t kit_settings_integer(const json_t *settings, const char *name, int64_t fallback)
{
	assert(name != NULL);
	const json_t *value = json_object_get(settings, name);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool kit_settings_bool(const json_t *settings, const char *name)
{
	assert(name != NULL);
	return json_is_true(json_object_get(settings, name));
}

bool kit_settings_choice_is(const json_t *settings, const char *name, const char *choice)
{
	assert(choice != NULL && *choice != '\0');
	const char *value = json_string_value(json_object_get(settings, name));
	return value != NULL && strcmp(value, choice) == 0;
}

uint32_t kit_settings_repeat(const json_t *settings, const char *name)
{
	static const char *const names[] = { [ALMONER_REPEAT_IDEMPOTENT] = "idempotent",
										 [ALMONER_REPEAT_KEYED] = "keyed",
										 [ALMONER_REPEAT_QUERYABLE] = "queryable",
										 [ALMONER_REPEAT_UNSAFE] = "unsafe" };
	for (uint32_t repeat = ALMONER_REPEAT_IDEMPOTENT; repeat <= ALMONER_REPEAT_UNSAFE; repeat++)
		if (kit_settings_choice_is(settings, name, names[repeat]))
			return repeat;
	return 0;
}

char *kit_settings_base_url(const json_t *settings, const char *name, struct almoner_error *error)
{
	char *url = kit_settings_text(settings, name);
	if (url == NULL || kit_template_has_tags(url) || kit_template_check_url(url, name, NULL, error) != 0) {
		kit_error_set(error, "%s: must be an absolute http or https address without tags", name);
		mem_cleanup_free(&url);
		return NULL;
	}
	for (size_t len = strlen(url); len > 0 && url[len - 1] == '/'; len--)
		url[len - 1] = '\0';
	return url;
}

/* A wrong token is a secret too: it may be a password with a blank in it. */
char *kit_settings_bearer(const json_t *settings, const char *name, struct kit_secrets *secrets,
						  struct almoner_error *error)
{
	char *token = kit_settings_text(settings, name);
	char *authorization = NULL;
	kit_secrets_add(secrets, token);
	if (token == NULL || strpbrk(token, " \r\n\t") != NULL)
		kit_error_set(error, "%s: must be one word", name);
	else
		authorization = mem_printf("Bearer %s", token);
	kit_secrets_wipe(token);
	return authorization;
}

bool kit_settings_is_token(const char *text)
{
	assert(text != NULL);
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
	return *text != '\0' && text[strspn(text, allowed)] == '\0';
}
