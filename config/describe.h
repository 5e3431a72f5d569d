/* What the option tables say, for people and for editors. */
#ifndef ALMONER_CONFIG_DESCRIBE_H
#define ALMONER_CONFIG_DESCRIBE_H

#include "saga/base/buf.h"
#include "saga/base/check.h"

/* The JSON Schema (2020-12) of the main file. */
void describe_schema(struct buf *to);

/* The option reference as Markdown, one table a section. */
void describe_reference(struct buf *to);

/* `readme` with the text between the two marker lines exchanged for the reference; ERR_INVALID without them.
 */
#define DESCRIBE_BEGIN "<!-- options: written by the tables, do not edit -->"
#define DESCRIBE_END   "<!-- end of options -->"
int describe_readme(struct str readme, struct buf *to) MUST_CHECK;

#endif
