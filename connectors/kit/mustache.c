/* Reads Mustache templates. */
#include "connectors/kit/mustache.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/kit/error.h"
#include "connectors/kit/mustache_internal.h"
#include "connectors/kit/names.h"
#include "saga/base/array.h"
#include "saga/base/mem.h"

struct mustache_parser {
	struct kit_mustache *m;
	const char *where;
	const struct almoner_host *host;
	struct almoner_error *error;
	size_t open[MUSTACHE_DEPTH_MAX]; /* indexes of the section nodes that are not closed yet */
	size_t depth;
	size_t at; /* the source is read up to here */
};

/* A tag as it stands in the source; all numbers are positions or lengths there. */
struct mustache_tag {
	size_t begin, end;
	size_t name, name_len;
	char sigil; /* the character behind "{{"; 0: a variable */
};

static size_t line_of(const struct mustache_parser *p, size_t at)
{
	size_t line = 1;
	for (size_t i = 0; i < at; i++)
		line += p->m->source[i] == '\n';
	return line;
}

/* Fills the error with the line, what is wrong, and up to 60 bytes of `name`. Returns false. */
static bool fail(struct mustache_parser *p, size_t at, const char *what, const char *name, size_t len)
{
	kit_error_set(p->error, "%s, line %zu: %s \"%.*s\"", p->where, line_of(p, at), what,
				  (int)(len < 60 ? len : 60), name);
	return false;
}

static void push(struct mustache_parser *p, enum mustache_node_kind kind, size_t begin, size_t len)
{
	struct kit_mustache *m = p->m;
	ARRAY_GROW(m->nodes, m->count, m->capacity);
	m->nodes[m->count++] = (struct mustache_node){ kind, begin, len, 0 };
}

static void push_text(struct mustache_parser *p, size_t begin, size_t end)
{
	if (begin < end)
		push(p, NODE_TEXT, begin, end - begin);
}

/* Reads the tag whose "{{" is at `begin`, with the spaces around its name removed. */
static bool find_tag(struct mustache_parser *p, size_t begin, struct mustache_tag *tag)
{
	const char *s = p->m->source;
	char sigil = s[begin + 2];
	const char *closing = sigil == '{' ? "}}}" : "}}";
	const char *close = strstr(s + begin + 2, closing);
	if (close == NULL)
		return fail(p, begin, "this tag is not closed:", s + begin, strcspn(s + begin, "\n"));
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

/* Widens a section tag or a comment that is alone on its line to the whole line, so that the line does not
 * appear. `floor` is the end of the previous tag. */
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

/* ".", or parts that are not empty, separated by dots. */
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
	if (p->depth == MUSTACHE_DEPTH_MAX)
		return fail(p, tag->begin, "sections are nested too deeply at", p->m->source + tag->name,
					tag->name_len);
	p->open[p->depth++] = p->m->count;
	push(p, tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED, tag->name, tag->name_len);
	return true;
}

static bool close_section(struct mustache_parser *p, const struct mustache_tag *tag)
{
	const char *name = p->m->source + tag->name;
	if (p->depth == 0)
		return fail(p, tag->begin, "no section is open that this could close:", name, tag->name_len);
	struct mustache_node *opener = &p->m->nodes[p->open[--p->depth]];
	if (opener->len != tag->name_len || memcmp(p->m->source + opener->begin, name, tag->name_len) != 0)
		return fail(p, tag->begin, "this does not close the section that is open:", name, tag->name_len);
	opener->close_index = p->m->count;
	push(p, NODE_CLOSE, tag->name, tag->name_len);
	return true;
}

static bool is_known(struct mustache_parser *p, const struct mustache_tag *tag)
{
	const char *name = p->m->source + tag->name;
	char where[100];
	if (tag->name_len == 1 && *name == '.')
		return true;
	snprintf(where, sizeof where, "%.60s, line %zu", p->where, line_of(p, tag->begin));
	return kit_names_check(p->host, name, tag->name_len, where, p->error) == 0;
}

/* Adds the node of a tag; a comment has none. */
static bool add_tag(struct mustache_parser *p, const struct mustache_tag *tag)
{
	const char *name = p->m->source + tag->name;
	if (tag->sigil == '!')
		return true;
	if (tag->sigil == '>' || tag->sigil == '=')
		return fail(p, tag->begin, "partials and changed delimiters are not supported:", name, tag->name_len);
	if (!name_is_good(name, tag->name_len))
		return fail(p, tag->begin, "this is not the name of a value:", name, tag->name_len);
	if (p->depth == 0 && !is_known(p, tag))
		return false;
	if (tag->sigil == '#' || tag->sigil == '^')
		return open_section(p, tag);
	if (tag->sigil == '/')
		return close_section(p, tag);
	push(p, tag->sigil == '\0' ? NODE_VARIABLE : NODE_UNESCAPED, tag->name, tag->name_len);
	return true;
}

/* Reads tag after tag; the bytes between two tags are text. */
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
		push_text(p, p->at, tag.begin);
		if (!add_tag(p, &tag))
			return false;
		p->at = tag.end;
	}
	if (p->depth > 0) {
		const struct mustache_node *open = &p->m->nodes[p->open[p->depth - 1]];
		return fail(p, open->begin, "this section is never closed:", s + open->begin, open->len);
	}
	push_text(p, p->at, strlen(s));
	return true;
}

struct kit_mustache *kit_mustache_read(const char *source, const char *where, const struct almoner_host *host,
									   struct almoner_error *error)
{
	assert(source != NULL && where != NULL);
	struct kit_mustache *m = mem_zalloc(sizeof *m);
	m->source = mem_strdup(source);
	struct mustache_parser p = { .m = m, .where = where, .host = host, .error = error };
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
