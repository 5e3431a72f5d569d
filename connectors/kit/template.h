/* Typed templates: text or JSON with tags of the form {{donor.email}} or {{donor.phone?}}.
 *
 * JSON: a string that is exactly one tag becomes the value itself (number, object, boolean; null stays null);
 * inside other text a tag is interpolated. With '?' a value that is absent or null makes the member (or array
 * element) disappear, and is empty inside text. Without '?' an absent value is REJECTED, naming the path:
 * this event cannot be sent. Objects, arrays and null have no place inside text. */
#ifndef ALMONER_KIT_TEMPLATE_H
#define ALMONER_KIT_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>

#include "connectors/kit/context.h"
#include "connectors/kit/text.h"

/* Checks the tags of every string inside, once, when an instance is opened. `where` names the setting. */
int kit_template_check(const json_t *value, const char *where, struct almoner_error *error);
int kit_template_check_text(const char *text, const char *where, struct almoner_error *error);
bool kit_template_has_tags(const char *text);

/* Renders a checked template. KIT_ESCAPE_URL refuses empty values and the names "." and "..", which would change
 * the path itself. */
bool kit_template_text(const char *text, struct kit_context *context, enum kit_escape escape,
					   struct kit_text *out, struct kit_problem *problem);
bool kit_template_json(const json_t *value, struct kit_context *context, struct kit_text *out,
					   struct kit_problem *problem);

/* An absolute http or https URL as settings may hold it: no spaces, no user or password, tags only after the
 * host. */
int kit_template_check_url(const char *url, const char *where, struct almoner_error *error);

#endif
