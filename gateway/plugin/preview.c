#include "gateway/plugin/preview.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/plugin/instance.h"
#include "saga/base/mem.h"

static const char *const purposes[] = {
	[ALMONER_DO] = "do", [ALMONER_UNDO] = "undo", [ALMONER_LOOKUP] = "lookup"
};
#define PURPOSES (sizeof purposes / sizeof *purposes)

static struct almoner_text text_of(const char *p)
{
	return (struct almoner_text){ p, p != NULL ? strlen(p) : 0 };
}

/* A body that is a text is that text; any other value is written as JSON. */
static void read_body(struct preview *p, size_t i, const json_t *body)
{
	if (body == NULL)
		return;
	p->bodies[i] = json_is_string(body) ? mem_strdup(json_string_value(body))
										: json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	p->replies[i].body = text_of(p->bodies[i]);
}

static int read_headers(struct preview *p, size_t i, const char *list, json_t *headers, struct err *err)
{
	struct almoner_header *to = p->headers + i * PREVIEW_HEADERS_MAX;
	const char *name = NULL;
	json_t *value = NULL;
	if (headers == NULL)
		return 0;
	if (!json_is_object(headers) || json_object_size(headers) > PREVIEW_HEADERS_MAX)
		return err_set(err, ERR_INVALID, "preview.%s[%zu].headers: wanted an object with at most %d texts",
					   list, i, PREVIEW_HEADERS_MAX);
	p->replies[i].headers = to;
	json_object_foreach(headers, name, value)
	{
		if (!json_is_string(value))
			return err_set(err, ERR_INVALID, "preview.%s[%zu].headers: the value of \"%.40s\" is no text",
						   list, i, name);
		to[p->replies[i].header_count++] =
			(struct almoner_header){ text_of(name), text_of(json_string_value(value)) };
	}
	return 0;
}

static int read_reply(struct preview *p, size_t i, const char *list, json_t *reply, struct err *err)
{
	static const char *const members[] = { "status", "headers", "body" };
	json_t *status = json_object_get(reply, "status");
	json_int_t code = json_integer_value(status);
	size_t known = 0;
	if (!json_is_object(reply))
		return err_set(err, ERR_INVALID, "preview.%s[%zu]: wanted an object", list, i);
	for (size_t m = 0; m < sizeof members / sizeof *members; m++)
		known += json_object_get(reply, members[m]) != NULL;
	if (known != json_object_size(reply))
		return err_set(err, ERR_INVALID,
					   "preview.%s[%zu]: has a member that is none of status, headers and body", list, i);
	if (!json_is_integer(status) || code < 100 || code > 599)
		return err_set(err, ERR_INVALID, "preview.%s[%zu].status: wanted a number from 100 to 599", list, i);
	p->replies[i] = (struct almoner_reply){ .size = sizeof p->replies[i], .status = (uint32_t)code };
	read_body(p, i, json_object_get(reply, "body"));
	return read_headers(p, i, list, json_object_get(reply, "headers"), err);
}

static int read_list(struct preview *p, const char *list, struct err *err)
{
	json_t *replies = json_object_get(p->json, list);
	size_t count = json_array_size(replies);
	if (replies == NULL)
		return 0;
	if (!json_is_array(replies) || count > INSTANCE_CALLS_MAX)
		return err_set(err, ERR_INVALID, "preview.%s: wanted a list of at most %d replies", list,
					   INSTANCE_CALLS_MAX);
	p->replies = mem_zalloc((count + 1) * sizeof *p->replies);
	p->bodies = mem_zalloc((count + 1) * sizeof(char *));
	p->headers = mem_zalloc((count + 1) * PREVIEW_HEADERS_MAX * sizeof *p->headers);
	for (p->count = 0; p->count < count; p->count++) {
		int rc = read_reply(p, p->count, list, json_array_get(replies, p->count), err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int check_names(const json_t *json, struct err *err)
{
	size_t known = 0;
	for (size_t i = ALMONER_DO; i < PURPOSES; i++)
		known += json_object_get(json, purposes[i]) != NULL;
	if (!json_is_object(json) || known != json_object_size(json))
		return err_set(err, ERR_INVALID,
					   "preview: wanted a JSON object with the members do, undo and lookup");
	return 0;
}

int preview_read(const char *text, uint32_t purpose, struct preview *ret, struct err *err)
{
	assert(purpose >= ALMONER_DO && purpose < PURPOSES);
	json_error_t where;
	struct preview p = { .json = json_loads(text, JSON_REJECT_DUPLICATES, &where) };
	int rc = p.json == NULL
				 ? err_set(err, ERR_INVALID, "preview: no JSON text: %s, line %d", where.text, where.line)
				 : check_names(p.json, err);
	if (rc == 0)
		rc = read_list(&p, purposes[purpose], err);
	if (rc == 0)
		*ret = p;
	else
		preview_free(&p);
	return rc;
}

void preview_free(struct preview *p)
{
	for (size_t i = 0; p->bodies != NULL && i <= p->count; i++)
		free(p->bodies[i]);
	free(p->bodies);
	free(p->headers);
	free(p->replies);
	json_decref(p->json);
	*p = (struct preview){ 0 };
}
