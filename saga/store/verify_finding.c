/* What the files of the verification report. */
#include <stdarg.h>
#include <stdio.h>

#include "saga/store/verify_internal.h"

void store_verify_finding(struct store_verification *v, const char *fmt, ...)
{
	char line[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt,
			  args); /* NOLINT(clang-analyzer-valist.Uninitialized): va_start initialized it */
	va_end(args);
	v->findings++;
	v->report(v->report_ctx, line);
}
