#include "gateway/plugin/preview.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/buf.h"
#include "saga/base/mem.h"

static const char *const purposes[] = {
	[ALMONER_DO] = "do", [ALMONER_UNDO] = "undo", [ALMONER_LOOKUP] = "lookup"
};
#define PURPOSES (sizeof purposes / sizeof *purposes)

static struct almoner_text text_of(const char *p)
{
	return (struct almoner_text){ p, p != NULL ? strlen(p) : 0 };
}

/* A reply under way from JSON, and its place for errors. */
struct preview_place {
	const char *list;
	size_t index;
	struct err *err;
};

static int fault(const struct preview_place *at, const char *member, const char *wanted)
{
	return err_set(at->err, ERR_INVALID, "preview.%s[%zu]%s: wanted %s", at->list, at->index, member, wanted);
}

static int read_headers(struct preview_reply *r, const struct preview_place *at, json_t *headers)
{
	const char *name = NULL;
	json_t *value = NULL;
	if (headers != NULL && (!json_is_object(headers) || json_object_size(headers) > PREVIEW_HEADERS_MAX))
		return fault(at, ".headers", "an object with at most 16 texts");
	json_object_foreach(headers, name, value)
	{
		if (!json_is_string(value))
			return fault(at, ".headers", "texts");
		r->headers[r->reply.header_count++] =
			(struct almoner_header){ text_of(name), text_of(json_string_value(value)) };
	}
	r->reply.headers = r->headers;
	return 0;
}

/* A body that is a text is that text; any other value is written as JSON. */
static void read_body(struct preview_reply *r, const json_t *body)
{
	if (body == NULL)
		return;
	r->body = json_is_string(body) ? mem_strdup(json_string_value(body))
								   : json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	r->reply.body = text_of(r->body);
}

static bool has_only_known_members(const json_t *object, const char *const *known, size_t count)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		found += known[i] != NULL && json_object_get(object, known[i]) != NULL;
	return json_is_object(object) && found == json_object_size(object);
}

static int read_reply(struct preview_reply *r, const struct preview_place *at, const json_t *json)
{
	static const char *const members[] = { "to", "status", "headers", "body" };
	const json_t *to = json_object_get(json, "to");
	json_int_t status = json_integer_value(json_object_get(json, "status"));
	if (!has_only_known_members(json, members, sizeof members / sizeof *members))
		return fault(at, "", "an object with the members to, status, headers and body");
	if (status < 100 || status > 599)
		return fault(at, ".status", "a number from 100 to 599");
	if (to != NULL && json_string_length(to) == 0)
		return fault(at, ".to", "a text that is not empty");
	*r = (struct preview_reply){ .to = json_string_value(to),
								 .reply = { .size = sizeof r->reply, .status = (uint32_t)status } };
	read_body(r, json_object_get(json, "body"));
	return read_headers(r, at, json_object_get(json, "headers"));
}

static int read_list(struct preview *p, const char *name, struct err *err)
{
	const json_t *list = json_object_get(p->json, name);
	if (list == NULL)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > PREVIEW_REPLIES_MAX)
		return err_set(err, ERR_INVALID, "preview.%s: wanted a list of at most %d replies", name,
					   PREVIEW_REPLIES_MAX);
	p->replies = mem_zalloc((json_array_size(list) + 1) * sizeof *p->replies);
	while (p->count < json_array_size(list)) {
		const struct preview_place at = { name, p->count, err };
		int rc = read_reply(&p->replies[p->count], &at, json_array_get(list, p->count));
		p->count++; /* also after an error, so that preview_free finds the body */
		if (rc != 0)
			return rc;
	}
	return 0;
}

int preview_read(const char *text, uint32_t purpose, struct preview *ret, struct err *err)
{
	assert(purpose >= ALMONER_DO && purpose < PURPOSES);
	json_error_t where;
	struct preview p = { .json = json_loads(text, JSON_REJECT_DUPLICATES, &where) };
	if (p.json == NULL)
		return err_set(err, ERR_INVALID, "preview: found no JSON text (line %d: %s)", where.line, where.text);
	int rc =
		has_only_known_members(p.json, purposes, PURPOSES)
			? read_list(&p, purposes[purpose], err)
			: err_set(err, ERR_INVALID, "preview: wanted an object with the members do, undo and lookup");
	if (rc == 0)
		*ret = p;
	else
		preview_free(&p);
	return rc;
}

void preview_free(struct preview *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->replies[i].body);
	free(p->replies);
	json_decref(p->json);
	*p = (struct preview){ 0 };
}

const struct almoner_reply *preview_find(const struct preview *p, const struct almoner_http *http)
{
	char *request AUTO_FREE =
		mem_printf("%.*s %.*s", (int)http->method.len, http->method.p, (int)http->url.len, http->url.p);
	for (size_t i = 0; i < p->count; i++)
		if (p->replies[i].to == NULL || strstr(request, p->replies[i].to) != NULL)
			return &p->replies[i].reply;
	return NULL;
}
