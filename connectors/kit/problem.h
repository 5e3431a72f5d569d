/* Why an attempt cannot go on, as an outcome: class and one line for a person. */
#ifndef ALMONER_KIT_PROBLEM_H
#define ALMONER_KIT_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"

struct kit_problem {
	uint32_t result_class; /* enum almoner_class; 0: none */
	char text[400];
};

/* Both return the value callers hand on: false, and -1. */
bool kit_problem_set(struct kit_problem *problem, uint32_t result_class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int kit_error_set(struct almoner_error *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
