#include "connectors/kit/problem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

bool kit_problem_set(struct kit_problem *problem, uint32_t result_class, const char *fmt, ...)
{
	assert(result_class > ALMONER_OK && result_class <= ALMONER_PARTIAL);
	va_list args;
	va_start(args, fmt);
	problem->result_class = result_class;
	vsnprintf(problem->text, sizeof problem->text, fmt, args);
	va_end(args);
	return false;
}
