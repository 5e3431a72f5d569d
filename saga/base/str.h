/* A borrowed run of bytes, and comparisons of it. Thread: any. */
#ifndef ALMONER_BASE_STR_H
#define ALMONER_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* `p` is owned elsewhere and must outlive the struct. The bytes need not end with a NUL and may contain NULs.
 * `p` may be NULL only when `len` is 0. */
struct str {
	const char *p;
	size_t len;
};

/* A struct str of a string literal; its length is known at compile time. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

/* A NUL-terminated text without its NUL. NULL becomes the empty string. */
struct str str_of(const char *text);
bool str_eq(struct str a, struct str b);
/* Compares with a NUL-terminated text; NULL equals the empty string. */
bool str_is(struct str a, const char *text);

#endif
