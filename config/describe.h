/* What the option tables say, for people and for editors. */
#ifndef ALMONER_CONFIG_DESCRIBE_H
#define ALMONER_CONFIG_DESCRIBE_H

#include "saga/base/buf.h"
#include "saga/base/check.h"

/* The JSON Schema (2020-12) of the main file. */
void describe_schema(struct buf *to);

/* The option reference, one table a section, in the text of README.md and of the manual page: what stands
 * between two marker lines is exchanged; ERR_INVALID without them. */
#define DESCRIBE_BEGIN     "<!-- options: written by the tables, do not edit -->"
#define DESCRIBE_END       "<!-- end of options -->"
#define DESCRIBE_MAN_BEGIN ".\\\" options: written by the tables, do not edit"
#define DESCRIBE_MAN_END   ".\\\" end of options"
int describe_readme(struct str readme, struct buf *to) MUST_CHECK;
int describe_man(struct str page, struct buf *to) MUST_CHECK;

#endif
