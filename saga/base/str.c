#include "saga/base/str.h"

#include <string.h>

struct str str_of(const char *text)
{
	return text == NULL ? (struct str){ "", 0 } : (struct str){ text, strlen(text) };
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}
