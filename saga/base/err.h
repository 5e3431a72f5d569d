/* Error codes and a fixed-size message that grows one clause per layer.
 *
 * A fallible function returns 0 or a negative code of ERR_TABLE and, where a
 * person will read the reason, fills an optional `struct err` (no allocation).
 * Library rooms return errors; only the daemon and the CLI print them. */
#ifndef ALMONER_BASE_ERR_H
#define ALMONER_BASE_ERR_H

#include "saga/base/check.h"

#define ERR_TABLE(X)                                                                                         \
	X(ERR_INVALID, -1, "invalid") /* the caller's data is wrong */                                           \
	X(ERR_NOT_FOUND, -2, "not found")                                                                        \
	X(ERR_IO, -3, "input/output error")                                                                      \
	X(ERR_FULL, -4, "full") /* a bound was reached; try again later */                                       \
	X(ERR_TOO_BIG, -5, "too big")                                                                            \
	X(ERR_STALE, -6, "stale")     /* a completion for a step that has moved on */                            \
	X(ERR_REFUSED, -7, "refused") /* legal request, wrong state: the text says what to do */                 \
	X(ERR_BUSY, -8, "busy")       /* somebody else holds it */                                               \
	X(ERR_CORRUPT, -9, "corrupt") /* stored data does not decode or does not verify */                       \
	X(ERR_CLOSED, -10, "closed")                                                                             \
	X(ERR_SYSTEM, -11, "system error")

enum err_code {
	ERR_OK = 0,
#define ERR_ENUM(name, value, text) name = (value),
	ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

struct err {
	int code;
	char text[512];
};

/* Sets code and text; returns `code`, so that `return err_set(...)` reads well. `err` may be NULL. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts a clause before the text, "loading x: " + text, and replaces the code. Returns `code`; `err` may be
 * NULL. */
int err_wrap(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Words for a code; never NULL. */
const char *err_code_text(int code);

#endif
