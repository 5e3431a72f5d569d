/* Evaluates the most common conditions without libjq: comparisons of pure paths with literals, joined by
 * `and`:
 *
 *     .amount.minor > 0 and .type == "donation.created" and .recurring
 *
 * Results and errors equal those of libjq, with one exception: integers that a double cannot represent are
 * compared exactly here. Thread: any. */
#ifndef ALMONER_EXPR_COMPARE_H
#define ALMONER_EXPR_COMPARE_H

#include "gateway/expr/path.h"

#define COMPARE_TERMS_MAX 8 /* a longer condition is left to libjq; chosen, no measurement */

enum compare_operator {
	COMPARE_NONE,
	COMPARE_EQ,
	COMPARE_NE,
	COMPARE_LT,
	COMPARE_LE,
	COMPARE_GT,
	COMPARE_GE
};

struct compare_term {
	struct path path;
	enum compare_operator op; /* COMPARE_NONE: the path's value must be neither null nor false */
	/* the value on the right: a number, text, true, false or null; NULL with COMPARE_NONE */
	json_t *literal;
};

struct compare {
	struct compare_term terms[COMPARE_TERMS_MAX];
	unsigned count;
};

/* Returns false, with nothing to free, when the text is any other jq program. */
bool compare_parse(const char *text, struct compare *ret);
void compare_finish(struct compare *c);
/* Sets *ret to the truth of the condition. Errors: those of path_get. */
int compare_evaluate(const struct compare *c, json_t *root, bool *ret, struct err *err) MUST_CHECK;

#endif
