#include "gateway/expr/compare.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/expr/number.h"
#include "saga/base/mem.h"

#define BLANKS " \t\n"

/* ---- parsing ---- */

static const struct {
	const char *text;
	enum compare_operator op;
} operators[] = { { "==", COMPARE_EQ }, { "!=", COMPARE_NE }, { "<=", COMPARE_LE },
				  { ">=", COMPARE_GE }, { "<", COMPARE_LT },  { ">", COMPARE_GT } };

static void skip_blanks(const char **at)
{
	*at += strspn(*at, BLANKS);
}

/* The length of the path at the start of `text`: up to the first blank or operator outside quotes. */
static size_t path_length(const char *text)
{
	bool quoted = false;
	size_t len = 0;
	while (text[len] != '\0' && (quoted || strchr(BLANKS "=!<>", text[len]) == NULL)) {
		quoted ^= text[len] == '"';
		len++;
	}
	return len;
}

/* This function and the other take_* functions parse at *at. On success they move *at behind what they
 * parsed. */
static bool take_path(const char **at, struct path *ret)
{
	size_t len = path_length(*at);
	char *text AUTO_FREE = mem_strndup(*at, len);
	if (!path_parse(text, ret))
		return false;
	for (size_t i = 0; i < ret->count; i++) {
		if (ret->parts[i].optional) {
			path_finish(ret);
			return false; /* libjq treats "no value" in a comparison in its own way */
		}
	}
	*at += len;
	return true;
}

static enum compare_operator take_operator(const char **at)
{
	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		size_t len = strlen(operators[i].text);
		if (strncmp(*at, operators[i].text, len) == 0) {
			*at += len;
			return operators[i].op;
		}
	}
	return COMPARE_NONE;
}

/* The length of the literal at the start of `text`: a quoted text without escapes, or a run of other
 * characters. 0 when there is none. */
static size_t literal_length(const char *text)
{
	if (text[0] != '"')
		return strcspn(text, BLANKS "=!<>\"");
	size_t len = 1 + strcspn(text + 1, "\"\\");
	return text[len] == '"' ? len + 1 : 0;
}

/* Numbers that a double does not represent are left to libjq, which would round them. */
static json_t *take_literal(const char **at)
{
	size_t len = literal_length(*at);
	bool number = isdigit((unsigned char)**at) || **at == '-';
	struct str text = { *at, len };
	if (len == 0 || (number && !number_is_exact(text)))
		return NULL;
	json_t *literal = json_loadb(text.p, text.len, JSON_DECODE_ANY, NULL);
	if (json_is_object(literal) || json_is_array(literal)) {
		json_decref(literal);
		return NULL;
	}
	if (literal != NULL)
		*at += len;
	return literal;
}

/* One comparison, or a path alone. On failure compare_finish frees what the term has so far. */
static bool take_term(const char **at, struct compare *c)
{
	struct compare_term *term = &c->terms[c->count];
	*term = (struct compare_term){ 0 };
	skip_blanks(at);
	if (c->count == COMPARE_TERMS_MAX || !take_path(at, &term->path))
		return false;
	c->count++;
	skip_blanks(at);
	term->op = take_operator(at);
	if (term->op == COMPARE_NONE)
		return true;
	skip_blanks(at);
	term->literal = take_literal(at);
	skip_blanks(at);
	return term->literal != NULL;
}

/* The word `and`, if a blank or the next path follows it. */
static bool take_and(const char **at)
{
	skip_blanks(at);
	if (strncmp(*at, "and", 3) != 0 || (*at)[3] == '\0' || strchr(BLANKS ".", (*at)[3]) == NULL)
		return false;
	*at += 3;
	return true;
}

bool compare_parse(const char *text, struct compare *ret)
{
	ret->count = 0;
	bool ok = true, more = true;
	while (ok && more) {
		ok = ret->count < COMPARE_TERMS_MAX && take_term(&text, ret);
		more = ok && take_and(&text);
	}
	skip_blanks(&text);
	if (ok && *text == '\0')
		return true;
	compare_finish(ret);
	return false;
}

void compare_finish(struct compare *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		path_finish(&c->terms[i].path);
		json_decref(c->terms[i].literal);
	}
	c->count = 0;
}

/* ---- comparing ---- */

/* libjq's order of values of different types. */
static int kind_order(const json_t *value)
{
	static const int orders[] = { [JSON_NULL] = 0, [JSON_FALSE] = 1,  [JSON_TRUE] = 2,  [JSON_INTEGER] = 3,
								  [JSON_REAL] = 3, [JSON_STRING] = 4, [JSON_ARRAY] = 5, [JSON_OBJECT] = 6 };
	return orders[json_typeof(value)];
}

static int number_order(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);
		return (x > y) - (x < y);
	}
	double x = json_number_value(a), y = json_number_value(b);
	return (x > y) - (x < y);
}

/* Compares bytes; for UTF-8 that is the order of code points. */
static int text_order(const json_t *a, const json_t *b)
{
	size_t x = json_string_length(a), y = json_string_length(b);
	int order = memcmp(json_string_value(a), json_string_value(b), x < y ? x : y);
	return order != 0 ? order : (x > y) - (x < y);
}

static int order_of(const json_t *value, const json_t *literal)
{
	int kinds = kind_order(value) - kind_order(literal);
	if (kinds != 0)
		return kinds;
	if (json_is_number(value))
		return number_order(value, literal);
	return json_is_string(value) ? text_order(value, literal) : 0;
}

/* `value` is never NULL: take_path refuses paths that can give no value. */
static bool term_is_true(const struct compare_term *term, const json_t *value)
{
	if (term->op == COMPARE_NONE)
		return !json_is_null(value) && !json_is_false(value);
	int order = order_of(value, term->literal);
	switch (term->op) {
	case COMPARE_EQ:
		return order == 0;
	case COMPARE_NE:
		return order != 0;
	case COMPARE_LT:
		return order < 0;
	case COMPARE_LE:
		return order <= 0;
	case COMPARE_GT:
		return order > 0;
	case COMPARE_GE:
	case COMPARE_NONE:
	default:
		return order >= 0;
	}
}

int compare_evaluate(const struct compare *c, json_t *root, bool *ret, struct err *err)
{
	bool truth = true;
	for (unsigned i = 0; i < c->count && truth; i++) {
		json_t *value;
		int rc = path_get(&c->terms[i].path, root, &value, err);
		if (rc != 0)
			return rc;
		truth = term_is_true(&c->terms[i], value);
	}
	*ret = truth;
	return 0;
}
