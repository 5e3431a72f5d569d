#include "gateway/admin/query.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/units.h"
#include "saga/base/mem.h"
#include "saga/base/percent.h"
#include "saga/base/utf8.h"

/* Decodes in place. False for a wrong percent sign or a NUL, which would cut the text. */
static bool decode(char *text)
{
	size_t len;
	if (!percent_decode(str_of(text), text, &len) || memchr(text, '\0', len) != NULL)
		return false;
	text[len] = '\0';
	return true;
}

const char *query_value(const struct query_string *q, const char *name)
{
	assert(q->count <= QUERY_PARTS_MAX);
	for (size_t i = 0; i < q->count; i++)
		if (strcmp(q->names[i], name) == 0)
			return q->values[i];
	return NULL;
}

/* Adds one "name=value" of the query; decodes it in place. A parameter without "=" has the value "". */
static int query_add(struct query_string *q, char *part, struct err *err)
{
	if (q->count == QUERY_PARTS_MAX)
		return err_set(err, ERR_INVALID, "the query has more than %d parameters", QUERY_PARTS_MAX);
	char *value = strchr(part, '=');
	if (value != NULL)
		*value++ = '\0';
	else
		value = part + strlen(part);
	if (!decode(part) || !decode(value))
		return err_set(err, ERR_INVALID,
					   "the query has a percent sign without two hexadecimal digits after it; write %%XX");
	if (!utf8_valid(str_of(part)) || !utf8_valid(str_of(value)))
		return err_set(err, ERR_INVALID, "the query is not valid UTF-8");
	if (query_value(q, part) != NULL)
		return err_set(err, ERR_INVALID, "\"%.60s\" is given twice; only one value is possible", part);
	q->names[q->count] = part;
	q->values[q->count++] = value;
	return 0;
}

int query_parse(const char *query, struct query_string *ret, struct err *err)
{
	assert(query != NULL);
	*ret = (struct query_string){ .text = mem_strdup(query) };
	char *rest = ret->text;
	for (char *part = strsep(&rest, "&"); part != NULL; part = strsep(&rest, "&")) {
		if (*part == '\0')
			continue;
		int rc = query_add(ret, part, err);
		if (rc != 0) {
			query_finish(ret);
			return rc;
		}
	}
	return 0;
}

void query_finish(struct query_string *q)
{
	free(q->text);
	*q = (struct query_string){ 0 };
}

int query_number(const struct query_string *q, const char *name, int64_t fallback, int64_t *ret,
				 struct err *err)
{
	assert(fallback >= -1);
	const char *text = query_value(q, name);
	if (text == NULL) {
		*ret = fallback;
		return 0;
	}
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 0)
		return err_set(err, ERR_INVALID, "%s \"%.60s\" is not a whole number (0 or more)", name, text);
	*ret = value;
	return 0;
}

int query_position(const struct query_string *q, const char *name, enum store_list list, int64_t fallback,
				   int64_t *ret, struct err *err)
{
	const char *text = query_value(q, name);
	*ret = fallback;
	if (text == NULL)
		return 0;
	int rc = store_cursor_read(list, text, ret, err);
	return rc == 0 ? 0 : err_wrap(err, rc, "%s", name);
}

int query_check_names(const struct query_string *q, const char *const *names, struct err *err)
{
	assert(names != NULL);
	for (size_t i = 0; i < q->count; i++) {
		size_t n = 0;
		while (names[n] != NULL && strcmp(names[n], q->names[i]) != 0)
			n++;
		if (names[n] == NULL)
			return err_set(err, ERR_INVALID, "there is no parameter \"%.60s\" here", q->names[i]);
	}
	return 0;
}

/* ---- filters ---- */

static int set_name(const char *name, const char *text, int (*find)(const char *), const char *choices,
					int *ret, struct err *err)
{
	int value = find(text);
	if (value < 0)
		return err_set(err, ERR_INVALID, "%s \"%.60s\" is unknown; the values are: %s", name, text, choices);
	*ret = value;
	return 0;
}

static int set_age(const char *name, const char *text, int64_t now_ms, int64_t *ret, struct err *err)
{
	int64_t age_ms;
	if (units_duration(text, &age_ms) != 0)
		return err_set(err, ERR_INVALID, "%s \"%.60s\" is not an age; write \"30m\", \"2h\" or \"7d\"", name,
					   text);
	*ret = now_ms - age_ms;
	return 0;
}

/* Sets a filter whose value is a word or an age. ERR_NOT_FOUND: there is no such filter. */
static int set_filter(struct saga_filter *f, const char *name, const char *value, int64_t now_ms,
					  struct err *err)
{
	if (strcmp(name, "state") == 0)
		return set_name(
			name, value, name_to_saga_state,
			"running, paused, compensating, attention, completed, completed_partial, compensated, "
			"cancelled, unrouted",
			&f->state, err);
	if (strcmp(name, "reason") == 0)
		return set_name(
			name, value, name_to_reason,
			"rejected, exhausted, in_doubt, fault, body_changed, target_missing, undo_failed, quarantined, "
			"gift_missing",
			&f->reason, err);
	if (strcmp(name, "outcome") == 0)
		return set_name(
			name, value, name_to_outcome,
			"ok, unreachable, busy, unknown, exists, rejected, denied, fault, absent, body_changed, partial",
			&f->outcome, err);
	if (strcmp(name, "older") == 0)
		return set_age(name, value, now_ms, &f->older_ms, err);
	if (strcmp(name, "newer") == 0)
		return set_age(name, value, now_ms, &f->newer_ms, err);
	return ERR_NOT_FOUND;
}

static const char **text_slot(struct saga_filter *f, const char *name)
{
	const struct {
		const char *name;
		const char **slot;
	} texts[] = {
		{ "target", &f->target },
		{ "source", &f->source },
		{ "donor", &f->donor },
		{ "event_id", &f->event_id },
	};
	for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
		if (strcmp(name, texts[t].name) == 0)
			return texts[t].slot;
	return NULL;
}

/* "limit" and "before" belong to lists, not to the filter; their handlers read them. */
static int take_filter(struct saga_filter *f, const char *name, const char *value, int64_t now_ms,
					   struct err *err)
{
	if (strcmp(name, "limit") == 0 || strcmp(name, "before") == 0)
		return 0;
	const char **slot = text_slot(f, name);
	if (slot != NULL) {
		*slot = value;
		return 0;
	}
	int rc = set_filter(f, name, value, now_ms, err);
	if (rc != ERR_NOT_FOUND)
		return rc;
	return err_set(err, ERR_INVALID,
				   "unknown filter \"%.60s\"; the filters are state, reason, target, outcome, source, donor, "
				   "event_id, older, newer",
				   name);
}

int query_filter(const struct query_string *q, int64_t now_ms, struct saga_filter *ret, struct err *err)
{
	assert(now_ms > 0);
	*ret = (struct saga_filter){ .state = -1, .outcome = -1, .reason = -1 };
	int rc = 0;
	for (size_t i = 0; i < q->count && rc == 0; i++)
		rc = take_filter(ret, q->names[i], q->values[i], now_ms, err);
	return rc;
}
