/* Query strings: decoded names and values, and the filters of `saga list`. */
#ifndef ALMONER_ADMIN_QUERY_H
#define ALMONER_ADMIN_QUERY_H

#include "saga/base/err.h"
#include "saga/store/store.h"

#define QUERY_PARTS_MAX 16

struct query_string {
	char *text; /* owned; names and values point into it */
	size_t count;
	const char *names[QUERY_PARTS_MAX];
	const char *values[QUERY_PARTS_MAX];
};

/* ERR_INVALID: a broken percent sign, bytes that are no UTF-8, a name that comes twice, too many parts. */
int query_parse(const char *query, struct query_string *ret, struct err *err) MUST_CHECK;
void query_finish(struct query_string *q);
/* NULL when absent. */
const char *query_value(const struct query_string *q, const char *name);
/* `fallback` when absent; ERR_INVALID for what is no whole number from 0 on. */
int query_number(const struct query_string *q, const char *name, int64_t fallback, int64_t *ret,
				 struct err *err) MUST_CHECK;

/* ERR_INVALID for a name that is not among `names` (ended by NULL). */
int query_check_names(const struct query_string *q, const char *const *names, struct err *err) MUST_CHECK;

/* state, reason, target, outcome, source, donor, event_id, older and newer ("2h": ages). Texts are borrowed
 * from the query. Unknown words are errors that list the right ones; an unknown parameter is one, too. */
int query_filter(const struct query_string *q, int64_t now_ms, struct saga_filter *ret,
				 struct err *err) MUST_CHECK;

#endif
