/* Typed templates: text or JSON with tags such as {{donor.email}} and {{donor.phone?}}.
 *
 * In JSON, a string that is exactly one tag becomes the value itself: a number, an object, a boolean, or
 * null. In all other text, also inside a longer JSON string, a tag becomes the text of its value, escaped for
 * the place it stands in. A tag with '?' is optional: if the value is absent or null, the member (or list
 * element) is left out, and inside text the tag becomes nothing. Without '?' an absent value is a problem
 * (REJECTED) that names the path: this event cannot be sent. An object, a list or null inside text is also a
 * problem (REJECTED). */
#ifndef ALMONER_KIT_TEMPLATE_H
#define ALMONER_KIT_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>

#include "connectors/kit/context.h"
#include "connectors/kit/escape.h"

/* Checks the tags of all strings in `value`, once, when an instance is opened. `where` names the setting in
 * the error. `host` is asked whether events can have the values that the tags name (connectors/kit/names.h);
 * NULL: it is not asked. Returns 0, or -1 with `error` filled. */
int kit_template_check(const json_t *value, const char *where, const struct almoner_host *host,
					   struct almoner_error *error);
int kit_template_check_text(const char *text, const char *where, const struct almoner_host *host,
							struct almoner_error *error);
bool kit_template_has_tags(const char *text);

/* Checks an address in the settings: absolute, http or https, no spaces, no user or password, and tags only
 * after the host, so that no event can choose the host. Returns 0, or -1 with `error` filled. */
int kit_template_check_url(const char *url, const char *where, const struct almoner_host *host,
						   struct almoner_error *error);

/* Appends a rendered template, which was checked before. The context is loaded if a tag needs it. False with
 * `problem` filled; `out` then holds an incomplete text. KIT_ESCAPE_URL also rejects an empty value and the
 * values "." and "..": each would change the path of the URL. */
bool kit_template_text(const char *text, struct kit_context *context, enum kit_escape escape,
					   struct kit_text *out, struct kit_problem *problem);
bool kit_template_json(const json_t *value, struct kit_context *context, struct kit_text *out,
					   struct kit_problem *problem);

#endif
