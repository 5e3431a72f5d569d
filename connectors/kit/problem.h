/* The reason why an attempt cannot continue, in the form of an outcome: a result class and one sentence for
 * the operator. A problem becomes the outcome with kit_answer_problem. */
#ifndef ALMONER_KIT_PROBLEM_H
#define ALMONER_KIT_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"

/* A zeroed struct is "no problem". The text is as long as that of struct almoner_error. */
struct kit_problem {
	uint32_t result_class; /* enum almoner_class; 0: no problem */
	char text[400];
};

/* Fills `problem`; a text that is too long is cut off. Returns false, so that a function that reports failure
 * as false ends with `return kit_problem_set(…)`. `result_class` is an enum almoner_class other than OK. */
bool kit_problem_set(struct kit_problem *problem, uint32_t result_class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
