#include "connectors/kit/template.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "connectors/kit/error.h"
#include "connectors/kit/json.h"
#include "connectors/kit/names.h"

/* The longest path in a tag, with its NUL. Chosen; no measurement. */
#define PATH_BYTES 200

/* One tag. `begin` is at its "{{", `end` behind its "}}". */
struct template_tag {
	const char *begin;
	const char *end;
	char path[PATH_BYTES];
	bool optional;
};

/* Parts that are not empty, separated by dots; one more dot may stand in front. */
static bool path_is_good(const char *path)
{
	if (*path == '.')
		path++;
	for (;;) {
		size_t len = strcspn(path, ".");
		if (len == 0)
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}

/* Reads the tag whose "{{" is at `begin`. False if it is not closed or its path is not valid. */
static bool tag_read(const char *begin, struct template_tag *tag)
{
	const char *close = strstr(begin, "}}");
	if (close == NULL)
		return false;
	const char *from = begin + 2;
	const char *to = close;
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	tag->optional = to > from && to[-1] == '?';
	if (tag->optional)
		to--;
	size_t len = (size_t)(to - from);
	if (len == 0 || len >= PATH_BYTES)
		return false;
	memcpy(tag->path, from, len);
	tag->path[len] = '\0';
	tag->begin = begin;
	tag->end = close + 2;
	return strpbrk(tag->path, " {}?\t\r\n\"") == NULL && path_is_good(tag->path);
}

bool kit_template_has_tags(const char *text)
{
	assert(text != NULL);
	return strstr(text, "{{") != NULL;
}

int kit_template_check_text(const char *text, const char *where, const struct almoner_host *host,
							struct almoner_error *error)
{
	assert(text != NULL && where != NULL);
	struct template_tag tag;
	for (const char *p = strstr(text, "{{"); p != NULL; p = strstr(tag.end, "{{")) {
		if (!tag_read(p, &tag))
			return kit_error_set(
				error,
				"%s: a tag has the form {{path.to.value}} or {{path.to.value?}}, but this one "
				"is \"%.40s\"",
				where, p);
		if (kit_names_check(host, tag.path, strlen(tag.path), where, error) != 0)
			return -1;
	}
	return 0;
}

static int check_members(const json_t *value, const char *where, const struct almoner_host *host,
						 struct almoner_error *error)
{
	json_t *object = kit_json_at(value, ""); /* jansson's iterator takes only a value that is not const */
	const char *key = NULL;
	json_t *member = NULL;
	json_object_foreach(object, key, member)
	{
		if (kit_template_check(member, where, host, error) != 0)
			return -1;
	}
	return 0;
}

int kit_template_check(const json_t *value, const char *where, const struct almoner_host *host,
					   struct almoner_error *error)
{
	assert(where != NULL);
	if (json_is_string(value))
		return kit_template_check_text(json_string_value(value), where, host, error);
	if (json_is_object(value))
		return check_members(value, where, host, error);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (kit_template_check(json_array_get(value, i), where, host, error) != 0)
			return -1;
	return 0;
}

static bool is_missing(const json_t *value)
{
	return value == NULL || json_is_null(value);
}

/* Rejects the values that would change the path of a URL although they are escaped: "a//b", "a/./b" and
 * "a/../b" lead to other addresses. */
static bool fits_url(const struct kit_text *value, const char *path, struct kit_problem *problem)
{
	struct almoner_text v = kit_text_view(value);
	if (v.len == 0)
		return kit_problem_set(problem, ALMONER_REJECTED, "%s is empty, and the URL needs it", path);
	if (kit_text_same(v, ".") || kit_text_same(v, ".."))
		return kit_problem_set(problem, ALMONER_REJECTED, "%s is \"%s\", which must not be part of a URL",
							   path, v.p);
	return true;
}

/* Appends the text of the value that the tag names. */
static bool put_value(const struct template_tag *tag, struct kit_context *context, enum kit_escape escape,
					  struct kit_text *out, struct kit_problem *problem)
{
	const json_t *value = kit_context_at(context, tag->path);
	if (is_missing(value) && tag->optional)
		return true;
	if (is_missing(value))
		return kit_problem_set(problem, ALMONER_REJECTED, "%s is missing, and the template needs it",
							   tag->path);
	struct kit_text plain AUTO_TEXT = { 0 };
	if (!kit_json_scalar(&plain, value))
		return kit_problem_set(problem, ALMONER_REJECTED,
							   "%s is an object or a list and cannot stand inside text", tag->path);
	if (escape == KIT_ESCAPE_URL && !fits_url(&plain, tag->path, problem))
		return false;
	kit_escape_put(out, escape, kit_text_view(&plain).p, plain.len);
	return true;
}

static bool check_size(const struct kit_text *out, struct kit_problem *problem)
{
	return !out->failed || kit_problem_set(problem, ALMONER_FAULT,
										   "the rendered text is larger than %zu bytes", KIT_TEXT_BYTES_MAX);
}

/* How the text around the tags is written: as it stands, or encoded again, because it was decoded when the
 * template was parsed as JSON. */
enum surroundings { SURROUNDINGS_PLAIN = KIT_ESCAPE_NONE, SURROUNDINGS_JSON = KIT_ESCAPE_JSON };

/* The tags were checked when the instance was opened; a malformed one here is a mistake in the connector. */
static bool render_text(const char *text, struct kit_context *context, enum kit_escape escape,
						enum surroundings surroundings, struct kit_text *out, struct kit_problem *problem)
{
	struct template_tag tag = { 0 };
	const char *rest = text;
	for (const char *p = strstr(text, "{{"); p != NULL; p = strstr(rest, "{{")) {
		kit_escape_put(out, (enum kit_escape)surroundings, rest, (size_t)(p - rest));
		if (!tag_read(p, &tag))
			return kit_problem_set(problem, ALMONER_FAULT, "malformed tag in a template");
		if (!kit_context_load(context, problem) || !put_value(&tag, context, escape, out, problem))
			return false;
		rest = tag.end;
	}
	kit_escape_put(out, (enum kit_escape)surroundings, rest, strlen(rest));
	return check_size(out, problem);
}

bool kit_template_text(const char *text, struct kit_context *context, enum kit_escape escape,
					   struct kit_text *out, struct kit_problem *problem)
{
	assert((unsigned)escape <= KIT_ESCAPE_URL);
	return render_text(text, context, escape, SURROUNDINGS_PLAIN, out, problem);
}

/* True if the string is one tag and nothing else, so that it becomes the value itself. */
static bool is_single_tag(const char *text, struct template_tag *tag)
{
	return strncmp(text, "{{", 2) == 0 && tag_read(text, tag) && *tag->end == '\0';
}

/* True if a member or list element is one optional tag whose value is missing: it is left out. */
static bool is_omitted(const json_t *value, struct kit_context *context)
{
	struct template_tag tag;
	return json_is_string(value) && is_single_tag(json_string_value(value), &tag) && tag.optional &&
		   is_missing(kit_context_at(context, tag.path));
}

/* A string that is one tag becomes the value; all other strings stay strings. */
static bool render_string(const char *text, struct kit_context *context, struct kit_text *out,
						  struct kit_problem *problem)
{
	struct template_tag tag;
	if (!is_single_tag(text, &tag)) {
		kit_text_putc(out, '"');
		if (!render_text(text, context, KIT_ESCAPE_JSON, SURROUNDINGS_JSON, out, problem))
			return false;
		kit_text_putc(out, '"');
		return true;
	}
	const json_t *value = kit_context_at(context, tag.path);
	if (value == NULL && !tag.optional)
		return kit_problem_set(problem, ALMONER_REJECTED, "%s is missing, and the template needs it",
							   tag.path);
	kit_json_write(out, value);
	return true;
}

static bool render_value(const json_t *value, struct kit_context *context, struct kit_text *out,
						 struct kit_problem *problem);

/* Members keep their order. An omitted member leaves no comma. */
static bool render_object(const json_t *value, struct kit_context *context, struct kit_text *out,
						  struct kit_problem *problem)
{
	json_t *object = kit_json_at(value, "");
	const char *key = NULL;
	json_t *member = NULL;
	bool first = true;
	kit_text_putc(out, '{');
	json_object_foreach(object, key, member)
	{
		if (is_omitted(member, context))
			continue;
		if (!first)
			kit_text_putc(out, ',');
		first = false;
		kit_escape_json_string(out, key, strlen(key));
		kit_text_putc(out, ':');
		if (!render_value(member, context, out, problem))
			return false;
	}
	kit_text_putc(out, '}');
	return true;
}

static bool render_array(const json_t *value, struct kit_context *context, struct kit_text *out,
						 struct kit_problem *problem)
{
	bool first = true;
	kit_text_putc(out, '[');
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *element = json_array_get(value, i);
		if (is_omitted(element, context))
			continue;
		if (!first)
			kit_text_putc(out, ',');
		first = false;
		if (!render_value(element, context, out, problem))
			return false;
	}
	kit_text_putc(out, ']');
	return true;
}

static bool render_value(const json_t *value, struct kit_context *context, struct kit_text *out,
						 struct kit_problem *problem)
{
	if (json_is_object(value))
		return render_object(value, context, out, problem);
	if (json_is_array(value))
		return render_array(value, context, out, problem);
	if (json_is_string(value))
		return render_string(json_string_value(value), context, out, problem);
	kit_json_write(out, value);
	return true;
}

bool kit_template_json(const json_t *value, struct kit_context *context, struct kit_text *out,
					   struct kit_problem *problem)
{
	return kit_context_load(context, problem) && render_value(value, context, out, problem) &&
		   check_size(out, problem);
}

/* Spaces are allowed inside a tag, as in {{ id }}. */
int kit_template_check_url(const char *url, const char *where, const struct almoner_host *host,
						   struct almoner_error *error)
{
	assert(url != NULL && where != NULL);
	size_t scheme = strncasecmp(url, "https://", 8) == 0 ? 8 : strncasecmp(url, "http://", 7) == 0 ? 7 : 0;
	const char *name = url + scheme; /* of the host */
	size_t name_len = strcspn(name, "/?#");
	if (scheme == 0 || name_len == 0)
		return kit_error_set(error, "%s: must be an absolute http or https URL", where);
	if (memchr(name, '@', name_len) != NULL)
		return kit_error_set(error, "%s: a URL must not contain a user or password; use a header", where);
	if (memchr(name, '{', name_len) != NULL)
		return kit_error_set(error, "%s: tags are allowed only after the host", where);
	bool inside = false;
	for (const char *p = url; *p != '\0'; p++) {
		inside = strncmp(p, "{{", 2) == 0 || (inside && strncmp(p, "}}", 2) != 0);
		if ((unsigned char)*p < 0x20 || *p == 0x7F || (*p == ' ' && !inside))
			return kit_error_set(error, "%s: a URL must not contain spaces or control characters", where);
	}
	return kit_template_check_text(url, where, host, error);
}
