/* Mustache for the bodies of mails: variables, unescaped variables, sections, inverted sections, comments,
 * dotted names and {{.}}. Partials, lambdas and changed delimiters are errors when the template is read.
 *
 * A value that is absent or null becomes nothing. A section is left out if its value is absent, null, false,
 * "" or []; it appears once for each element of a list, and once for every other value, with an object as the
 * new scope of names. A line that has only a section tag or a comment leaves no empty line. */
#ifndef ALMONER_KIT_MUSTACHE_H
#define ALMONER_KIT_MUSTACHE_H

#include "connectors/kit/context.h"
#include "connectors/kit/escape.h"

/* A template that was read. It does not change: several attempts may render it. */
struct kit_mustache;

/* Reads a template; `where` names the setting in the error. The caller frees the result. NULL with `error`
 * filled (the line and what is wrong there) if the template is not valid. `host` is asked whether events can
 * have the values that are named outside of sections (connectors/kit/names.h); inside a section a name may
 * belong to the value of the section. NULL: it is not asked. */
struct kit_mustache *kit_mustache_read(const char *source, const char *where, const struct almoner_host *host,
									   struct almoner_error *error);
void kit_mustache_free(struct kit_mustache *m); /* NULL is accepted */

/* Appends the rendered template, with each value escaped. KIT_ESCAPE_HTML leaves the values of {{{name}}} and
 * {{&name}} as they are; the other escapes treat these tags like {{name}}. False with `problem` filled
 * (FAULT) if a variable is an object or a list, or if the text becomes too large. */
bool kit_mustache_render(const struct kit_mustache *m, struct kit_context *context, enum kit_escape escape,
						 struct kit_text *out, struct kit_problem *problem);

#endif
