/* The option tables as documentation for readers and as a schema for editors. */
#ifndef ALMONER_CONFIG_DESCRIBE_H
#define ALMONER_CONFIG_DESCRIBE_H

#include "saga/base/buf.h"
#include "saga/base/check.h"

/* The JSON Schema (2020-12) of the main file. */
void describe_schema(struct buf *to);

/* Each function copies a text, README.md or the manual page, to `to`, and replaces what is between the two
 * marker lines by the option reference, one table for each section. ERR_INVALID when a marker line is
 * missing. */
#define DESCRIBE_BEGIN     "<!-- options: written by the tables, do not edit -->"
#define DESCRIBE_END       "<!-- end of options -->"
#define DESCRIBE_MAN_BEGIN ".\\\" options: written by the tables, do not edit"
#define DESCRIBE_MAN_END   ".\\\" end of options"
int describe_readme(struct str readme, struct buf *to) MUST_CHECK;
int describe_man(struct str page, struct buf *to) MUST_CHECK;

#endif
