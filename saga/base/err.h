/* Errors: a code and a text that gains one clause in each layer.
 *
 * A function that can fail returns 0 or a negative code of ERR_TABLE. If a person will read the reason, it
 * also fills in a `struct err`, which may be NULL and is never allocated. Libraries return errors; only the
 * daemon and the CLI print them. Thread: any. */
#ifndef ALMONER_BASE_ERR_H
#define ALMONER_BASE_ERR_H

#include "saga/base/check.h"

#define ERR_TABLE(X)                                                                                         \
	X(ERR_INVALID, -1, "invalid") /* the data given is wrong */                                              \
	X(ERR_NOT_FOUND, -2, "not found")                                                                        \
	X(ERR_IO, -3, "input/output error")                                                                      \
	X(ERR_FULL, -4, "full") /* a limit is reached; try again later */                                        \
	X(ERR_TOO_BIG, -5, "too big")                                                                            \
	X(ERR_STALE, -6, "stale")     /* the report is about an attempt that is over */                          \
	X(ERR_REFUSED, -7, "refused") /* the state does not permit the request: the text says what to do */      \
	X(ERR_BUSY, -8, "busy")       /* another process or thread has locked the object */                      \
	X(ERR_CORRUPT, -9, "corrupt") /* stored data does not decode or does not verify */                       \
	X(ERR_CLOSED, -10, "closed")                                                                             \
	X(ERR_SYSTEM, -11, "system error")                                                                       \
	/* another process owns the store now: its owner here stops writing, this process may go on */           \
	X(ERR_LOST, -12, "taken over by another process")

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

/* Sets code and text and returns `code`, for `return err_set(...)`. A text that is too long is cut. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts a clause before the text, "loading x: " + text, and replaces the code. Returns `code`; `err` may be
 * NULL. */
int err_wrap(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The text of a code; static, never NULL. */
const char *err_code_text(int code);

#endif
