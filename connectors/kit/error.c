#include "connectors/kit/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

int kit_error_set(struct almoner_error *error, const char *fmt, ...)
{
	assert(error != NULL);
	va_list args;
	va_start(args, fmt);
	vsnprintf(error->text, sizeof error->text, fmt, args);
	va_end(args);
	return -1;
}
