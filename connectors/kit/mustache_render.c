/* Renders Mustache templates. */
#include <assert.h>
#include <string.h>

#include "connectors/kit/json.h"
#include "connectors/kit/mustache_internal.h"

struct mustache_renderer {
	const struct kit_mustache *m;
	struct kit_context *context;
	enum kit_escape escape;
	struct kit_text *out;
	struct kit_problem *problem;
	const json_t
		*scope[MUSTACHE_DEPTH_MAX]; /* values of the sections around the current node, outermost first */
	size_t depth;
};

/* Looks for the first part of a name in the innermost scope, then in the scopes around it, then in the
 * context. The other parts are looked for only inside the value that was found. */
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
	kit_escape_put(r->out, raw ? KIT_ESCAPE_NONE : r->escape, kit_text_view(&plain).p, plain.len);
	return true;
}

/* Renders the nodes from `from` up to but without `to`. */
static bool render_range(struct mustache_renderer *r, size_t from, size_t to);

/* Renders nodes with `scope` as the innermost scope. */
static bool render_with(struct mustache_renderer *r, const json_t *scope, size_t from, size_t to)
{
	if (r->depth == MUSTACHE_DEPTH_MAX)
		return kit_problem_set(r->problem, ALMONER_FAULT, "sections are nested too deeply");
	r->scope[r->depth++] = scope;
	bool ok = render_range(r, from, to);
	r->depth--;
	return ok;
}

/* `at` is the index of the section node. An empty object counts as present here: its section appears. */
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

/* The nodes inside a section are skipped here, because rendering the section has handled them. */
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
	assert((unsigned)escape <= KIT_ESCAPE_URL);
	struct mustache_renderer r = {
		.m = m, .context = context, .escape = escape, .out = out, .problem = problem
	};
	return kit_context_load(context, problem) && render_range(&r, 0, m->count);
}
