/* Settings as C values. The host has checked their types and filled in the defaults. */
#ifndef ALMONER_KIT_SETTINGS_H
#define ALMONER_KIT_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/secrets.h"

/* One row of a table of options: KIT_OPTION("url", URL, .required = 1, .help = "…"). */
#define KIT_OPTION(name_, type_, ...) { .name = name_, .type = ALMONER_OPTION_##type_, __VA_ARGS__ }

/* An owned copy of a text; NULL if the setting is absent or empty. The caller frees it. */
char *kit_settings_text(const json_t *settings, const char *name);
/* `fallback` if the setting is absent. */
int64_t kit_settings_integer(const json_t *settings, const char *name, int64_t fallback);
/* False if the setting is absent. */
bool kit_settings_bool(const json_t *settings, const char *name);
/* True if the setting is the text `choice`. */
bool kit_settings_choice_is(const json_t *settings, const char *name, const char *choice);
/* The enum almoner_repeat that the setting names ("idempotent", "keyed", "queryable" or "unsafe"); 0 if it
 * names none. */
uint32_t kit_settings_repeat(const json_t *settings, const char *name);

/* The address that paths of an API follow: absolute, http or https, without tags; slashes at its end are
 * removed. Owned; NULL with `error` filled if the setting is no such address. */
char *kit_settings_base_url(const json_t *settings, const char *name, struct almoner_error *error);
/* The value of an Authorization header: "Bearer " and the token of the setting, which is also added to
 * `secrets`. Owned; NULL with `error` filled if the token is absent or has blanks in it. */
char *kit_settings_bearer(const json_t *settings, const char *name, struct kit_secrets *secrets,
						  struct almoner_error *error);

/* True for a token of RFC 9110 section 5.6.2, the form of a method and of the name of a header. */
bool kit_settings_is_token(const char *text);

#endif
