/* Mustache for mail bodies: variables, unescaped variables, sections, inverted sections, comments, dotted
 * names, {{.}}. No partials, no lambdas, no changed delimiters: these are errors when the template is read.
 *
 * What is absent or null renders as nothing. A section is skipped for what is absent, null, false, "" and [];
 * rendered for each element of a list; once otherwise, with an object as the new scope. Lines that hold only
 * a section tag or a comment leave no empty line behind. */
#ifndef ALMONER_KIT_MUSTACHE_H
#define ALMONER_KIT_MUSTACHE_H

#include "connectors/kit/context.h"
#include "connectors/kit/text.h"

struct kit_mustache;

/* Reads a template. NULL with `error` filled (line, what is wrong); `where` names the setting. */
struct kit_mustache *kit_mustache_read(const char *source, const char *where, struct almoner_error *error);
void kit_mustache_free(struct kit_mustache *m); /* NULL is accepted */

/* Renders with values escaped for `place`; {{{name}}} and {{&name}} are not escaped in KIT_ESCAPE_HTML only. */
bool kit_mustache_render(const struct kit_mustache *m, struct kit_context *context, enum kit_escape escape,
						 struct kit_text *out, struct kit_problem *problem);

#endif
