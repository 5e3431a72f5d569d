/* Why an attempt cannot go on, as an outcome: class and one line for a person. */
#ifndef ALMONER_KIT_PROBLEM_H
#define ALMONER_KIT_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/error.h"

struct kit_problem {
	uint32_t result_class; /* enum almoner_class; 0: none */
	char text[400];
};

/* Returns false, the value callers hand on. */
bool kit_problem_set(struct kit_problem *problem, uint32_t result_class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
