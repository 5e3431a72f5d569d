/* Percent-encoded text of forms and query strings (application/x-www-form-urlencoded). Thread: any. */
#ifndef ALMONER_BASE_PERCENT_H
#define ALMONER_BASE_PERCENT_H

#include "saga/base/str.h"

/* Decodes %XX, and '+' as a space. Writes at most `text.len` bytes to `out` without a NUL and sets `*ret_len`
 * to their number; `out` may be `text.p` itself. A '%' that is not followed by two hex digits is copied as it
 * is, and the result is false: a strict caller refuses such a text, a lenient caller uses what was written.
 * %00 gives a NUL byte; a caller whose texts end with a NUL must look for one. */
bool percent_decode(struct str text, char *out, size_t *ret_len);

#endif
