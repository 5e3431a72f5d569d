/* Checked settings as C values. The host has checked types and filled in defaults. */
#ifndef ALMONER_KIT_SETTINGS_H
#define ALMONER_KIT_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "connectors/almoner_connector.h"

/* Owned copies; NULL when absent (or, for text, empty). The caller frees. */
char *kit_settings_text(const json_t *settings, const char *name);
int64_t kit_settings_integer(const json_t *settings, const char *name, int64_t fallback);
bool kit_settings_bool(const json_t *settings, const char *name);
bool kit_settings_choice_is(const json_t *settings, const char *name, const char *choice);

/* A token of RFC 9110: what a method or a header's name may be. */
bool kit_settings_is_token(const char *text);

#endif
