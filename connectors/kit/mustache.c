#include "connectors/kit/mustache.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/kit/json.h"

#define DEPTH_MAX 24

enum mustache_node_kind { NODE_TEXT, NODE_VARIABLE, NODE_UNESCAPED, NODE_SECTION, NODE_INVERTED, NODE_CLOSE };

/* Nodes in the order of the source; a section knows where it ends. */
struct mustache_node {
	enum mustache_node_kind kind;
	size_t begin; /* of the text, or of the name */
	size_t len;
	size_t close_index; /* SECTION, INVERTED: index of the CLOSE */
};

struct kit_mustache {
	char *source;
	struct mustache_node *nodes;
	size_t count;
	size_t cap;
};

/* ---- reading ---- */

struct mustache_parser {
	struct kit_mustache *m;
	const char *where;
	struct almoner_error *error;
	size_t open[DEPTH_MAX];
	size_t depth;
	size_t at;
};

/* A tag as found in the source. */
struct mustache_tag {
	size_t begin, end; /* of the whole tag */
	size_t name, name_len;
	char sigil; /* 0 for a variable, '{' for {{{ }}} */
};

static size_t line_of(const struct mustache_parser *p, size_t at)
{
	size_t line = 1;
	for (size_t i = 0; i < at; i++)
		line += p->m->source[i] == '\n';
	return line;
}

static bool fail(struct mustache_parser *p, size_t at, const char *what, const char *name, size_t len)
{
	(void)kit_error_set(p->error, "%s, line %zu: %s \"%.*s\"", p->where, line_of(p, at), what,
						(int)(len < 60 ? len : 60), name);
	return false;
}

static bool push(struct mustache_parser *p, enum mustache_node_kind kind, size_t begin, size_t len)
{
	struct kit_mustache *m = p->m;
	if (m->count == m->cap) {
		size_t cap = m->cap == 0 ? 16 : m->cap * 2;
		struct mustache_node *nodes = realloc(m->nodes, cap * sizeof *nodes);
		if (nodes == NULL)
			return fail(p, begin, "out of memory at", "", 0);
		m->nodes = nodes;
		m->cap = cap;
	}
	m->nodes[m->count++] = (struct mustache_node){ kind, begin, len, 0 };
	return true;
}

static bool push_text(struct mustache_parser *p, size_t begin, size_t end)
{
	return begin == end || push(p, NODE_TEXT, begin, end - begin);
}

static bool find_tag(struct mustache_parser *p, size_t begin, struct mustache_tag *tag)
{
	const char *s = p->m->source;
	char sigil = s[begin + 2];
	const char *closing = sigil == '{' ? "}}}" : "}}";
	const char *close = strstr(s + begin + 2, closing);
	if (close == NULL)
		return fail(p, begin, "the tag is not closed:", s + begin, strcspn(s + begin, "\n"));
	bool marked = sigil != '\0' && strchr("#^/!&{>=", sigil) != NULL;
	size_t from = begin + 2 + (marked ? 1 : 0);
	size_t to = (size_t)(close - s);
	while (from < to && (s[from] == ' ' || s[from] == '\t'))
		from++;
	while (to > from && (s[to - 1] == ' ' || s[to - 1] == '\t'))
		to--;
	*tag = (struct mustache_tag){ .begin = begin,
								  .end = (size_t)(close - s) + strlen(closing),
								  .name = from,
								  .name_len = to - from,
								  .sigil = sigil };
	if (!marked)
		tag->sigil = '\0';
	return true;
}

/* Sections and comments alone on their line take the line with them. */
static void take_whole_line(const struct mustache_parser *p, struct mustache_tag *tag, size_t floor)
{
	const char *s = p->m->source;
	size_t begin = tag->begin;
	while (begin > floor && (s[begin - 1] == ' ' || s[begin - 1] == '\t'))
		begin--;
	if (begin > 0 && s[begin - 1] != '\n')
		return;
	size_t end = tag->end + strspn(s + tag->end, " \t");
	if (s[end] == '\r' && s[end + 1] == '\n')
		end++;
	if (s[end] != '\n' && s[end] != '\0')
		return;
	tag->begin = begin;
	tag->end = s[end] == '\n' ? end + 1 : end;
}

static bool name_is_good(const char *name, size_t len)
{
	if (len == 1 && *name == '.')
		return true;
	if (len == 0 || name[0] == '.' || name[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n{}", name[i]) != NULL || (name[i] == '.' && name[i - 1] == '.'))
			return false;
	return true;
}

static bool open_section(struct mustache_parser *p, const struct mustache_tag *tag)
{
	if (p->depth == DEPTH_MAX)
		return fail(p, tag->begin, "sections nested too deeply at", p->m->source + tag->name, tag->name_len);
	p->open[p->depth++] = p->m->count;
	return push(p, tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED, tag->name, tag->name_len);
}

static bool close_section(struct mustache_parser *p, const struct mustache_tag *tag)
{
	const char *name = p->m->source + tag->name;
	if (p->depth == 0)
		return fail(p, tag->begin, "no section is open to close", name, tag->name_len);
	struct mustache_node *opener = &p->m->nodes[p->open[--p->depth]];
	if (opener->len != tag->name_len || memcmp(p->m->source + opener->begin, name, tag->name_len) != 0)
		return fail(p, tag->begin, "this closes another section than the open one:", name, tag->name_len);
	opener->close_index = p->m->count;
	return push(p, NODE_CLOSE, tag->name, tag->name_len);
}

static bool add_tag(struct mustache_parser *p, const struct mustache_tag *tag)
{
	const char *name = p->m->source + tag->name;
	if (tag->sigil == '!')
		return true;
	if (tag->sigil == '>' || tag->sigil == '=')
		return fail(p, tag->begin, "partials and changed delimiters are not supported:", name, tag->name_len);
	if (!name_is_good(name, tag->name_len))
		return fail(p, tag->begin, "this is no name of a value:", name, tag->name_len);
	if (tag->sigil == '#' || tag->sigil == '^')
		return open_section(p, tag);
	if (tag->sigil == '/')
		return close_section(p, tag);
	return push(p, tag->sigil == '\0' ? NODE_VARIABLE : NODE_UNESCAPED, tag->name, tag->name_len);
}

static bool parse(struct mustache_parser *p)
{
	const char *s = p->m->source;
	for (;;) {
		const char *next = strstr(s + p->at, "{{");
		if (next == NULL)
			break;
		struct mustache_tag tag = { 0 };
		if (!find_tag(p, (size_t)(next - s), &tag))
			return false;
		if (tag.sigil != '\0' && strchr("#^/!", tag.sigil) != NULL)
			take_whole_line(p, &tag, p->at);
		if (!push_text(p, p->at, tag.begin) || !add_tag(p, &tag))
			return false;
		p->at = tag.end;
	}
	if (p->depth > 0) {
		const struct mustache_node *open = &p->m->nodes[p->open[p->depth - 1]];
		return fail(p, open->begin, "this section is never closed:", s + open->begin, open->len);
	}
	return push_text(p, p->at, strlen(s));
}

struct kit_mustache *kit_mustache_read(const char *source, const char *where, struct almoner_error *error)
{
	struct kit_mustache *m = calloc(1, sizeof *m);
	char *copy = strdup(source);
	if (m == NULL || copy == NULL) {
		free(m);
		free(copy);
		(void)kit_error_set(error, "%s: out of memory", where);
		return NULL;
	}
	m->source = copy;
	struct mustache_parser p = { .m = m, .where = where, .error = error };
	if (parse(&p))
		return m;
	kit_mustache_free(m);
	return NULL;
}

void kit_mustache_free(struct kit_mustache *m)
{
	if (m == NULL)
		return;
	free(m->source);
	free(m->nodes);
	free(m);
}

/* ---- rendering ---- */

struct mustache_renderer {
	const struct kit_mustache *m;
	struct kit_context *context;
	enum kit_escape escape;
	struct kit_text *out;
	struct kit_problem *problem;
	const json_t *scope[DEPTH_MAX];
	size_t depth;
};

/* The first part of a name is looked for from the innermost scope outwards, the rest inside what was found.
 */
static const json_t *find_value(const struct mustache_renderer *r, const struct mustache_node *node)
{
	char name[200];
	if (node->len >= sizeof name)
		return NULL;
	memcpy(name, r->m->source + node->begin, node->len);
	name[node->len] = '\0';
	if (strcmp(name, ".") == 0)
		return r->depth > 0 ? r->scope[r->depth - 1] : r->context->event;
	size_t first = strcspn(name, ".");
	for (size_t i = r->depth; i-- > 0;) {
		const json_t *found = json_is_object(r->scope[i]) ? kit_json_member(r->scope[i], name, first) : NULL;
		if (found != NULL)
			return name[first] == '\0' ? found : kit_json_at(found, name + first);
	}
	return kit_context_at(r->context, name);
}

static bool render_variable(struct mustache_renderer *r, const struct mustache_node *node)
{
	const json_t *value = find_value(r, node);
	if (value == NULL || json_is_null(value))
		return true;
	struct kit_text plain AUTO_TEXT = { 0 };
	if (!kit_json_scalar(&plain, value))
		return kit_problem_set(r->problem, ALMONER_FAULT, "{{%.*s}} is an object or a list, not text",
							   (int)(node->len < 100 ? node->len : 100), r->m->source + node->begin);
	bool raw = node->kind == NODE_UNESCAPED && r->escape == KIT_ESCAPE_HTML;
	kit_text_escape(r->out, raw ? KIT_ESCAPE_NONE : r->escape, kit_text_view(&plain).p, plain.len);
	return true;
}

static bool render_range(struct mustache_renderer *r, size_t from, size_t to);

static bool render_with(struct mustache_renderer *r, const json_t *scope, size_t from, size_t to)
{
	if (r->depth == DEPTH_MAX)
		return kit_problem_set(r->problem, ALMONER_FAULT, "sections nested too deeply");
	r->scope[r->depth++] = scope;
	bool ok = render_range(r, from, to);
	r->depth--;
	return ok;
}

static bool render_section(struct mustache_renderer *r, size_t at)
{
	const struct mustache_node *node = &r->m->nodes[at];
	const json_t *value = find_value(r, node);
	if (node->kind == NODE_INVERTED)
		return kit_json_is_present(value) || json_is_object(value) ||
			   render_range(r, at + 1, node->close_index);
	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			if (!render_with(r, json_array_get(value, i), at + 1, node->close_index))
				return false;
		return true;
	}
	if (!kit_json_is_present(value) && !json_is_object(value))
		return true;
	return render_with(r, value, at + 1, node->close_index);
}

static bool render_range(struct mustache_renderer *r, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct mustache_node *node = &r->m->nodes[i];
		bool section = node->kind == NODE_SECTION || node->kind == NODE_INVERTED;
		if (r->out->failed)
			return kit_problem_set(r->problem, ALMONER_FAULT, "the rendered text is larger than %zu bytes",
								   KIT_TEXT_BYTES_MAX);
		if (node->kind == NODE_TEXT)
			kit_text_add(r->out, r->m->source + node->begin, node->len);
		else if (section ? !render_section(r, i) : !render_variable(r, node))
			return false;
		if (section)
			i = node->close_index;
	}
	return true;
}

bool kit_mustache_render(const struct kit_mustache *m, struct kit_context *context, enum kit_escape escape,
						 struct kit_text *out, struct kit_problem *problem)
{
	struct mustache_renderer r = {
		.m = m, .context = context, .escape = escape, .out = out, .problem = problem
	};
	return kit_context_load(context, problem) && render_range(&r, 0, m->count);
}
