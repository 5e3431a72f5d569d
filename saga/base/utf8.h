/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. Thread: any. */
#ifndef ALMONER_BASE_UTF8_H
#define ALMONER_BASE_UTF8_H

#include <stdint.h>

#include "saga/base/str.h"

/* The number of bytes, 1 to 4, of the character that `len` bytes at `p` begin with. 0 when they begin with no
 * valid character, when the character is cut off, and when `len` is 0. A NUL is a character of one byte. */
size_t utf8_length(const char *p, size_t len);

/* Removes the first character from `*text` and gives its code point. Gives -1 and leaves `*text` unchanged
 * when utf8_length would give 0. */
int32_t utf8_next(struct str *text);

/* True if `text` is a sequence of valid characters; the empty string is one. */
bool utf8_valid(struct str text);

#endif
