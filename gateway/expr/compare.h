/* The usual condition without jq: comparisons of pure paths with literals, joined by `and`:
 *
 *     .amount.minor > 0 and .type == "donation.created" and .recurring
 *
 * Same truth and same errors as jq's, but for numbers a double does not hold, which are compared exactly. */
#ifndef ALMONER_EXPR_COMPARE_H
#define ALMONER_EXPR_COMPARE_H

#include "gateway/expr/path.h"

#define COMPARE_TERMS_MAX 8

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
	enum compare_operator op; /* NONE: the truth of the path itself */
	json_t *literal;          /* a number, text, true, false or null */
};

struct compare {
	struct compare_term terms[COMPARE_TERMS_MAX];
	unsigned count;
};

/* False, with nothing to free, when the text is anything else. */
bool compare_parse(const char *text, struct compare *ret);
void compare_finish(struct compare *c);
/* ERR_INVALID as path_get. */
int compare_evaluate(const struct compare *c, json_t *root, bool *ret, struct err *err) MUST_CHECK;

#endif
