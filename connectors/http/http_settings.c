#include "connectors/http/http_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/http_settings_internal.h"
#include "connectors/kit/error.h"
#include "connectors/kit/json.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

bool http_settings_status_in(const struct http_statuses *statuses, uint32_t status)
{
	for (size_t i = 0; i < statuses->count; i++)
		if (statuses->items[i] == status)
			return true;
	return false;
}

/* ---- requests ---- */

/* How values are escaped in a text body of this type. */
static enum kit_escape escape_for(const char *content_type)
{
	static const struct {
		const char *part;
		enum kit_escape escape;
	} escapes[] = { { "json", KIT_ESCAPE_JSON },
					{ "x-www-form-urlencoded", KIT_ESCAPE_URL },
					{ "html", KIT_ESCAPE_HTML },
					{ "xml", KIT_ESCAPE_HTML } };
	for (size_t i = 0; content_type != NULL && i < sizeof escapes / sizeof *escapes; i++)
		if (strcasestr(content_type, escapes[i].part) != NULL)
			return escapes[i].escape;
	return KIT_ESCAPE_NONE;
}

static bool has_no_body(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* The kind of body follows from the method and from the type of the JSON value. */
static int read_body(const struct http_settings *s, struct request_settings *r, const json_t *body,
					 const char *where, struct almoner_error *error)
{
	r->body = body;
	r->body_kind = has_no_body(r->method) ? BODY_NONE
				   : body == NULL         ? BODY_EVENT
				   : json_is_string(body) ? BODY_TEXT
										  : BODY_JSON;
	if (body != NULL && r->body_kind == BODY_NONE)
		return kit_error_set(error, "%s: a %s request has no body", where, r->method);
	const char *content_type = s->content_type;
	r->escape = escape_for(content_type);
	r->content_type = content_type != NULL        ? content_type
					  : r->body_kind == BODY_TEXT ? "text/plain; charset=utf-8"
												  : "application/json";
	return body == NULL ? 0 : kit_template_check(body, where, s->kit.host, error);
}

/* `where` is the start of the setting's name in errors, such as "undo: "; `method` is the default. */
static int read_request(struct http_settings *s, struct request_settings *r, const json_t *from,
						const char *where, const char *method, struct almoner_error *error)
{
	char label[40];
	r->present = true;
	r->method = kit_settings_text(from, "method");
	if (r->method == NULL)
		r->method = strdup(method);
	r->url = kit_settings_text(from, "url");
	if (r->method == NULL || r->url == NULL)
		return kit_error_set(error, "%surl: is missing", where);
	if (!kit_settings_is_token(r->method) ||
		strspn(r->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(r->method))
		return kit_error_set(error, "%smethod: must be in upper case, such as POST", where);
	snprintf(label, sizeof label, "%surl", where);
	if (kit_template_check_url(r->url, label, s->kit.host, error) != 0)
		return -1;
	r->url_has_tags = kit_template_has_tags(r->url);
	snprintf(label, sizeof label, "%sbody", where);
	return read_body(s, r, json_object_get(from, "body"), label, error);
}

/* Without gone_status, 404 and 410 mean that there is nothing left to undo. */
static int read_undo(struct http_settings *s, const json_t *undo, struct almoner_error *error)
{
	static const char *const known[] = { "method",          "url",        "body", "gone_status",
										 "nothing_is_safe", "idempotent", NULL };
	if (undo == NULL)
		return 0;
	if (http_members_check(undo, "undo", known, error) != 0)
		return -1;
	s->gone = (struct http_statuses){ { 404, 410 }, 2 };
	s->nothing_is_safe = kit_settings_bool(undo, "nothing_is_safe");
	s->undo_idempotent = kit_settings_bool(undo, "idempotent");
	if (http_members_statuses(&s->gone, json_object_get(undo, "gone_status"), "undo: gone_status", error) !=
		0)
		return -1;
	return read_request(s, &s->undo, undo, "undo: ", "POST", error);
}

/* `found` is a path, or the statuses that mean "found". */
static int read_lookup(struct http_settings *s, const json_t *lookup, struct almoner_error *error)
{
	static const char *const known[] = { "method", "url", "body", "found", "equals", "id", NULL };
	if (lookup == NULL)
		return 0;
	if (http_members_check(lookup, "lookup", known, error) != 0)
		return -1;
	const json_t *found = json_object_get(lookup, "found");
	s->found.equals = json_object_get(lookup, "equals");
	if (json_is_string(found))
		s->found.path = kit_settings_text(lookup, "found");
	else if (http_members_statuses(&s->found.status, found, "lookup: found", error) != 0)
		return -1;
	if (s->found.equals != NULL && s->found.path == NULL)
		return kit_error_set(error, "lookup: equals needs a path in found");
	if (s->found.equals != NULL &&
		kit_template_check(s->found.equals, "lookup: equals", s->kit.host, error) != 0)
		return -1;
	if (http_members_path(&s->lookup_id_path, lookup, "id", "lookup", error) != 0)
		return -1;
	return read_request(s, &s->lookup, lookup, "lookup: ", "GET", error);
}

/* Without a URL of its own the record is read at the URL of the write. */
static int read_etag(struct http_settings *s, const json_t *etag, struct almoner_error *error)
{
	static const char *const known[] = { "url", NULL };
	if (etag == NULL)
		return 0;
	if (http_members_check(etag, "etag", known, error) != 0)
		return -1;
	for (size_t i = 0; i < s->header_count; i++)
		if (strcasecmp(s->headers[i].name, "If-Match") == 0 ||
			strcasecmp(s->headers[i].name, "If-None-Match") == 0)
			return kit_error_set(error, "etag: headers already contains %s", s->headers[i].name);
	const json_t *url = json_object_get(json_object_get(etag, "url") != NULL ? etag : s->kit.json, "url");
	json_t *from AUTO_JSON = json_pack("{s:O?}", "url", url);
	return read_request(s, &s->version, from, "etag: ", "GET", error);
}

static int read_success(struct http_settings *s, const json_t *success, struct almoner_error *error)
{
	static const char *const known[] = { "status", "path", "equals", NULL };
	if (success == NULL)
		return 0;
	if (http_members_check(success, "success", known, error) != 0 ||
		http_members_path(&s->success.path, success, "path", "success", error) != 0)
		return -1;
	s->success.equals = json_object_get(success, "equals");
	if (s->success.equals != NULL && s->success.path == NULL)
		return kit_error_set(error, "success: equals needs a path");
	return http_members_statuses(&s->success.status, json_object_get(success, "status"), "success: status",
								 error);
}

/* ---- all settings ---- */

/* A repeat class that the other settings cannot keep would be a false promise to the gateway. */
static int read_repeat(struct http_settings *s, struct almoner_error *error)
{
	int64_t ttl = kit_settings_integer(s->kit.json, "repeat_ttl", 0);
	s->repeat = kit_settings_repeat(s->kit.json, "repeat");
	s->repeat_ttl_ms = ttl > 0 ? (uint64_t)ttl : 0;
	s->key_header = kit_settings_text(s->kit.json, "key_header");
	s->key_quoted = kit_settings_bool(s->kit.json, "key_quoted");
	if (s->key_header != NULL && !kit_settings_is_token(s->key_header))
		return kit_error_set(error, "key_header: is not a valid header name");
	if (s->repeat == ALMONER_REPEAT_QUERYABLE && !s->lookup.present)
		return kit_error_set(error, "repeat: \"queryable\" needs a lookup");
	if (s->repeat == ALMONER_REPEAT_KEYED && s->repeat_ttl_ms == 0)
		return kit_error_set(error, "repeat_ttl: must be more than 0 when repeat is \"keyed\"");
	return 0;
}

/* The order matters: `etag` fails if the headers already contain a condition, and `repeat` may need the
 * look-up. */
int http_settings_read(struct http_settings *s, struct almoner_error *error)
{
	const json_t *json = s->kit.json;
	s->content_type = kit_settings_text(json, "content_type");
	s->exists = (struct http_statuses){ { 409, 412 }, 2 };
	if (http_headers_read(s, json_object_get(json, "headers"), error) != 0 ||
		read_request(s, &s->do_request, json, "", "POST", error) != 0 ||
		read_success(s, json_object_get(json, "success"), error) != 0 ||
		http_members_path(&s->id_path, json, "id", "id", error) != 0 ||
		http_members_path(&s->error_path, json, "error", "error", error) != 0 ||
		http_members_statuses(&s->exists, json_object_get(json, "exists_status"), "exists_status", error) !=
			0 ||
		read_undo(s, json_object_get(json, "undo"), error) != 0 ||
		read_lookup(s, json_object_get(json, "lookup"), error) != 0 ||
		read_etag(s, json_object_get(json, "etag"), error) != 0 || read_repeat(s, error) != 0)
		return -1;
	http_headers_add_secrets(s);
	return 0;
}

static void request_free(struct request_settings *r)
{
	free(r->method);
	free(r->url);
}

void http_settings_free(struct http_settings *s)
{
	request_free(&s->do_request);
	request_free(&s->undo);
	request_free(&s->lookup);
	request_free(&s->version);
	free(s->content_type);
	free(s->key_header);
	free(s->success.path);
	free(s->found.path);
	free(s->id_path);
	free(s->error_path);
	free(s->lookup_id_path);
}
