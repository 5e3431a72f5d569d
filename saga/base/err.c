#include "saga/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
	if (err == NULL)
		return code;
	va_list args;
	va_start(args, fmt);
	err->code = code;
	vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	return code;
}

/* The new clause goes before the old text, so the text reads from the outer layer to the inner one. If both
 * do not fit, the end of the inner one is cut. */
int err_wrap(struct err *err, int code, const char *fmt, ...)
{
	if (err == NULL)
		return code;
	char clause[sizeof err->text];
	va_list args;
	va_start(args, fmt);
	vsnprintf(clause, sizeof clause, fmt, args);
	va_end(args);
	size_t used = strlen(clause);
	snprintf(clause + used, sizeof clause - used, ": %s", err->text);
	memcpy(err->text, clause, sizeof err->text);
	err->code = code;
	return code;
}

const char *err_code_text(int code)
{
	switch (code) {
#define ERR_CASE(name, value, text)                                                                          \
	case name:                                                                                               \
		return text;
		ERR_TABLE(ERR_CASE)
#undef ERR_CASE
	default:
		return code == 0 ? "ok" : "unknown error";
	}
}
