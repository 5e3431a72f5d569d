#include "gateway/expr/path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/mem.h"

/* A longer index is left to libjq; real payloads have none. Nine digits fit into a long everywhere. */
#define INDEX_DIGITS_MAX 9

static bool is_name_char(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static struct path_part *add_part(struct path *p)
{
	ARRAY_GROW_BY_COUNT(p->parts, p->count);
	struct path_part *part = &p->parts[p->count++];
	*part = (struct path_part){ 0 };
	return part;
}

/* Each take_* function parses at *at. On success it moves *at behind what it parsed, else it returns
 * false. */
static bool take_name(struct path *p, const char **at)
{
	const char *end = *at;
	while (is_name_char(*end, end == *at))
		end++;
	if (end == *at)
		return false;
	add_part(p)->key = mem_strndup(*at, (size_t)(end - *at));
	*at = end;
	return true;
}

static bool take_quoted(struct path *p, const char **at)
{
	if (**at != '"')
		return false;
	size_t len = strcspn(*at + 1, "\"\\");
	if ((*at)[1 + len] != '"')
		return false; /* no closing quote, or escapes: left to libjq */
	add_part(p)->key = mem_strndup(*at + 1, len);
	*at += len + 2;
	return true;
}

static bool take_index(struct path *p, const char **at)
{
	const char *digits = *at + (**at == '-');
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || len > INDEX_DIGITS_MAX)
		return false;
	add_part(p)->index = strtol(*at, NULL, 10);
	*at = digits + len;
	return true;
}

static bool take_brackets(struct path *p, const char **at)
{
	if (**at != '[')
		return false;
	(*at)++;
	if (!take_quoted(p, at) && !take_index(p, at))
		return false;
	if (**at != ']')
		return false;
	(*at)++;
	return true;
}

/* One part of the path: `.name`, `."name"`, `["name"]` or `[index]`, with an optional `?`. */
static bool take_part(struct path *p, const char **at)
{
	bool taken;
	if (**at == '.') {
		(*at)++;
		taken = take_name(p, at) || take_quoted(p, at) || (p->count == 0 && take_brackets(p, at));
	} else {
		taken = p->count > 0 && take_brackets(p, at);
	}
	/* A second `?` would apply to the whole path before it; that is left to libjq. */
	if (taken && **at == '?') {
		p->parts[p->count - 1].optional = true;
		(*at)++;
	}
	return taken;
}

/* Blanks are allowed before and after the path. A path with blanks within is left to libjq. */
bool path_parse(const char *text, struct path *ret)
{
	struct path p = { 0 };
	const char *at = text + strspn(text, " \t\n");
	if (*at != '.')
		return false;
	if (at[1 + strspn(at + 1, " \t\n")] == '\0') {
		*ret = p;
		return true;
	}
	while (at[strspn(at, " \t\n")] != '\0') {
		if (!take_part(&p, &at)) {
			path_finish(&p);
			return false;
		}
	}
	*ret = p;
	return true;
}

void path_finish(struct path *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->parts[i].key);
	free(p->parts);
	*p = (struct path){ 0 };
}

/* The names that libjq uses in its error texts. */
static const char *kind_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
	default:
		return "null";
	}
}

/* NULL: the value cannot be indexed this way. As in libjq, indexing null gives null. */
static json_t *part_get(const struct path_part *part, json_t *from)
{
	if (json_is_null(from))
		return from;
	if (part->key != NULL && json_is_object(from)) {
		json_t *value = json_object_get(from, part->key);
		return value != NULL ? value : json_null();
	}
	if (part->key == NULL && json_is_array(from)) {
		long index = part->index < 0 ? part->index + (long)json_array_size(from) : part->index;
		json_t *value = index < 0 ? NULL : json_array_get(from, (size_t)index);
		return value != NULL ? value : json_null();
	}
	return NULL;
}

/* The error texts are libjq's. */
int path_get(const struct path *p, json_t *root, json_t **ret, struct err *err)
{
	json_t *at = root;
	for (size_t i = 0; i < p->count; i++) {
		const struct path_part *part = &p->parts[i];
		json_t *next = part_get(part, at);
		if (next == NULL && part->optional) {
			*ret = NULL;
			return 0;
		}
		if (next == NULL && part->key != NULL)
			return err_set(err, ERR_INVALID, "Cannot index %s with string \"%s\"", kind_name(at), part->key);
		if (next == NULL)
			return err_set(err, ERR_INVALID, "Cannot index %s with number", kind_name(at));
		at = next;
	}
	*ret = at;
	return 0;
}
