#include "gateway/intake/pipeline/body.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/expr/number.h"

/* ---- numbers that must not become doubles ---- */

static size_t digits(struct str t, size_t at)
{
	size_t from = at;
	while (at < t.len && isdigit((unsigned char)t.p[at]))
		at++;
	return at - from;
}

/* whole_part, fraction_part and exponent_part each move *at behind their part of a number. False: the part
 * has begun but is incomplete. */
static bool whole_part(struct str t, size_t *at)
{
	*at += t.len > 0 && t.p[0] == '-';
	size_t whole = digits(t, *at);
	bool padded = whole > 1 && t.p[*at] == '0';
	*at += whole;
	return whole > 0 && !padded;
}

static bool fraction_part(struct str t, size_t *at)
{
	if (*at == t.len || t.p[*at] != '.')
		return true;
	size_t fraction = digits(t, *at + 1);
	*at += 1 + fraction;
	return fraction > 0;
}

static bool exponent_part(struct str t, size_t *at)
{
	if (*at == t.len || (t.p[*at] != 'e' && t.p[*at] != 'E'))
		return true;
	(*at)++;
	if (*at < t.len && (t.p[*at] == '-' || t.p[*at] == '+'))
		(*at)++;
	size_t exponent = digits(t, *at);
	*at += exponent;
	return exponent > 0;
}

/* Is the token a JSON number (RFC 8259)? The parser rejects any other token later. */
static bool is_number(struct str t, bool *ret_integer)
{
	size_t at = 0;
	if (!whole_part(t, &at))
		return false;
	*ret_integer = at == t.len;
	return fraction_part(t, &at) && exponent_part(t, &at) && at == t.len;
}

static bool fits_int64(struct str t)
{
	if (t.len <= 18)
		return true;
	if (t.len > 20)
		return false;
	char copy[24];
	memcpy(copy, t.p, t.len);
	copy[t.len] = '\0';
	errno = 0;
	strtoll(copy, NULL, 10);
	return errno == 0;
}

/* True for a number that would change its value as a double or a 64-bit integer. */
static bool needs_quotes(struct str token)
{
	bool integer = false;
	if (!is_number(token, &integer))
		return false;
	return integer ? !fits_int64(token) : !number_is_exact(token);
}

/* ---- one pass before the parser ---- */

struct body_scan {
	struct str text;
	size_t at;
	unsigned depth;
	bool blanks;       /* there was white space between tokens */
	size_t copied;     /* the bytes before this are in `quoted` already */
	struct buf quoted; /* the text with quotes added; empty until a number needed them */
};

/* `at` is behind the opening quote; moves it behind the closing one, or behind the end of the text. */
static void scan_string(struct body_scan *s)
{
	while (s->at < s->text.len && s->text.p[s->at] != '"')
		s->at += s->text.p[s->at] == '\\' ? 2 : 1;
	s->at++;
}

/* Jansson would turn a large or long number into another one, so such a number gets quotes before it is
 * parsed. */
static void scan_number(struct body_scan *s)
{
	size_t from = s->at;
	while (s->at < s->text.len &&
		   (isdigit((unsigned char)s->text.p[s->at]) || strchr("+-.eE", s->text.p[s->at])))
		s->at++;
	struct str token = { s->text.p + from, s->at - from };
	if (!needs_quotes(token))
		return;
	buf_add(&s->quoted, s->text.p + s->copied, from - s->copied);
	buf_byte(&s->quoted, '"');
	buf_add(&s->quoted, token.p, token.len);
	buf_byte(&s->quoted, '"');
	s->copied = s->at;
}

/* False: the text is nested too deep at s->at. Brackets need not match here; the parser checks that. */
static bool scan_token(struct body_scan *s)
{
	char c = s->text.p[s->at];
	if (c == '-' || isdigit((unsigned char)c)) {
		scan_number(s);
		return true;
	}
	s->at++;
	if (c == '"')
		scan_string(s);
	else if (c == '{' || c == '[')
		s->depth++;
	else if (c == '}' || c == ']')
		s->depth -= s->depth > 0;
	else if (c == ' ' || c == '\n' || c == '\t' || c == '\r')
		s->blanks = true;
	return s->depth <= BODY_DEPTH_MAX;
}

/* ---- parsing ---- */

static int parse_failed(const json_error_t *fault, struct err *err)
{
	/* The parser's message may continue with "near '…'", which quotes the body: that part is cut off. */
	const char *near = strstr(fault->text, " near ");
	size_t len = near != NULL ? (size_t)(near - fault->text) : strlen(fault->text);
	return err_set(err, ERR_INVALID, "the body is not usable JSON: %.*s, line %d column %d", (int)len,
				   fault->text, fault->line, fault->column);
}

static int parse(struct body_scan *s, struct body *ret, struct err *err)
{
	bool altered = s->quoted.len > 0;
	if (altered)
		buf_add(&s->quoted, s->text.p + s->copied, s->text.len - s->copied);
	struct str text = altered ? buf_str(&s->quoted) : s->text;
	json_error_t fault;
	json_t *root = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, &fault);
	if (root == NULL)
		return parse_failed(&fault, err);
	*ret = (struct body){ .root = root, .compact = !s->blanks, .altered = altered };
	return 0;
}

/* The scan comes before the parser, because jansson has no limit for the depth below 2,048 and loses
 * digits. */
int body_parse(struct str text, struct body *ret, struct err *err)
{
	if (text.len == 0)
		return err_set(err, ERR_INVALID, "the body is empty");
	struct body_scan s = { .text = text };
	while (s.at < text.len) {
		if (!scan_token(&s)) {
			buf_free(&s.quoted);
			return err_set(err, ERR_INVALID, "the body is nested deeper than %d at byte %zu", BODY_DEPTH_MAX,
						   s.at);
		}
	}
	int rc = parse(&s, ret, err);
	buf_free(&s.quoted);
	return rc;
}

void body_finish(struct body *b)
{
	json_decref(b->root);
	b->root = NULL;
}
