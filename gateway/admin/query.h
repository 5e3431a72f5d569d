/* Query strings: decoded names and values, and the filters of `saga list`. */
#ifndef ALMONER_GATEWAY_ADMIN_QUERY_H
#define ALMONER_GATEWAY_ADMIN_QUERY_H

#include "saga/base/err.h"
#include "saga/store/cursor.h"
#include "saga/store/store.h"

/* Parameters of one query. Chosen: there are 11 (nine filters, limit, before). */
#define QUERY_PARTS_MAX 16

struct query_string {
	char *text; /* the text of the query, owned; names and values point into it */
	size_t count;
	const char *names[QUERY_PARTS_MAX];
	const char *values[QUERY_PARTS_MAX];
};

/* Decodes `query` ("a=1&b=2", percent-encoded, without "?"). ERR_INVALID: a wrong percent sign, bytes that
 * are not UTF-8, a name that is given twice, or more than QUERY_PARTS_MAX parameters; *ret needs no
 * query_finish then. */
int query_parse(const char *query, struct query_string *ret, struct err *err) MUST_CHECK;
void query_finish(struct query_string *q);
/* NULL if the parameter is absent. Borrowed. */
const char *query_value(const struct query_string *q, const char *name);
/* `fallback` (-1 or more) if the parameter is absent; ERR_INVALID if it is not a whole number of 0 or more.
 */
int query_number(const struct query_string *q, const char *name, int64_t fallback, int64_t *ret,
				 struct err *err) MUST_CHECK;

/* The position in a list that the parameter gives, as a number or as a cursor of this list; `fallback` if the
 * parameter is absent. ERR_INVALID. */
int query_position(const struct query_string *q, const char *name, enum store_list list, int64_t fallback,
				   int64_t *ret, struct err *err) MUST_CHECK;

/* ERR_INVALID if the query has a parameter that is not among `names` (NULL ends the list). */
int query_check_names(const struct query_string *q, const char *const *names, struct err *err) MUST_CHECK;

/* Reads the filters state, reason, target, outcome, source, donor, event_id, and older and newer, which are
 * ages ("2h") before `now_ms`. The texts in *ret point into the query. ERR_INVALID with a text that lists
 * what is possible: an unknown parameter or value. */
int query_filter(const struct query_string *q, int64_t now_ms, struct saga_filter *ret,
				 struct err *err) MUST_CHECK;

#endif
