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

struct mustache;

/* Reads a template. NULL with `error` filled (line, what is wrong); `where` names the setting. */
struct mustache *mustache_read(const char *source, const char *where, struct almoner_error *error);
void mustache_free(struct mustache *m); /* NULL is accepted */

/* Renders with values escaped for `place`; {{{name}}} and {{&name}} are not escaped in PLACE_HTML only. */
bool mustache_render(const struct mustache *m, struct context *context, enum place place, struct text *out,
					 struct problem *problem);

#endif
