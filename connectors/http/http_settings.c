#include "connectors/http/http_settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/kit/json.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

/* Room is left for what the connector adds: Content-Type, the key, a condition. */
#define SETTINGS_HEADERS_MAX (KIT_ANSWER_HEADERS_MAX - 3)

#define OPTION(name_, type_, ...) { .name = name_, .type = ALMONER_OPTION_##type_, __VA_ARGS__ }

const struct almoner_option http_settings_options[HTTP_OPTION_COUNT] = {
	OPTION("url", URL, .required = 1,
		   .help = "Where to send; may hold tags after the host, each escaped as one component: "
				   "https://crm.example/gifts/{{id}}"),
	OPTION("method", STRING, .fallback = "\"POST\"", .help = "Method of the request"),
	OPTION("headers", JSON, .fallback = "{}",
		   .help = "Further headers by name; values are text templates; write secrets as {\"$env\": …}"),
	OPTION("body", JSON,
		   .help =
			   "A JSON value as template, or a string as text template; without it the canonical event is "
			   "sent as it is"),
	OPTION("content_type", STRING,
		   .help = "Content-Type; application/json unless the body is a text template, then text/plain"),
	OPTION("repeat", CHOICE, .required = 1, .choices = "idempotent|keyed|queryable|unsafe",
		   .help =
			   "What sending twice does. idempotent: the effect of once, for ever (a PUT of a whole record). "
			   "keyed: the target recognises our key for repeat_ttl. queryable: we can look whether it "
			   "happened (needs lookup). unsafe: twice is twice and nobody can tell, so what is in doubt "
			   "waits for a person"),
	OPTION("repeat_ttl", DURATION, .fallback = "\"24h\"",
		   .help = "keyed: how long the target remembers a key"),
	OPTION("key_header", STRING, .fallback = "\"Idempotency-Key\"",
		   .help = "Header that carries the key; \"\" sends none"),
	OPTION("key_quoted", BOOLEAN, .fallback = "false",
		   .help = "Write the key in quotes, as the IETF draft does and most vendors do not"),
	OPTION("success", JSON, .fallback = "{}",
		   .help =
			   "How to read success: {\"status\": [200, 201], \"path\": \".ok\", \"equals\": true}; default: "
			   "any 2xx"),
	OPTION("id", STRING,
		   .help = "Path of the new record's id in the reply, for later steps and for undo: .id"),
	OPTION("error", STRING, .help = "Path of the target's own error text in the reply: .error.message"),
	OPTION("exists_status", JSON, .fallback = "[409, 412]",
		   .help = "Statuses that mean the target has this already"),
	OPTION(
		"undo", JSON,
		.help =
			"How to reverse it: {\"method\": \"DELETE\", \"url\": \"https://crm.example/gifts/{{own.id}}\"}; "
			"body as above, \"gone_status\": [404, 410] counts as undone, \"nothing_is_safe\": true if "
			"undoing "
			"what never happened also bars it from happening later, \"idempotent\": true if it may be sent "
			"twice "
			"whatever repeat says"),
	OPTION(
		"lookup", JSON,
		.help =
			"How to see whether it happened: {\"url\": \"https://crm.example/gifts?key={{key}}\", \"found\": "
			"\".items.0\"}; found is a path or a list of statuses; with a path, \"equals\" (a template) says "
			"what must stand there: something else needs a person; \"id\" is the path of the record's id"),
	OPTION("etag", JSON,
		   .help =
			   "Write only onto what was read: {\"url\": \"https://crm.example/donors/{{donor.id}}\"} is "
			   "read first (without url: the address that is written to), its ETag goes along as If-Match, "
			   "or If-None-Match: * when there is nothing yet. A 412 then means that somebody wrote "
			   "meanwhile: it is read and written again"),
};

bool http_settings_status_in(const struct http_statuses *statuses, uint32_t status)
{
	for (size_t i = 0; i < statuses->count; i++)
		if (statuses->items[i] == status)
			return true;
	return false;
}

/* ---- parts ---- */

static int read_status(struct http_statuses *to, const json_t *value, const char *where,
					   struct almoner_error *error)
{
	json_int_t status = json_integer_value(value);
	if (!json_is_integer(value) || status < 100 || status > 599)
		return kit_error_set(error, "%s: HTTP statuses are whole numbers from 100 to 599", where);
	if (to->count == HTTP_STATUSES_MAX)
		return kit_error_set(error, "%s: more than %d statuses", where, HTTP_STATUSES_MAX);
	to->items[to->count++] = (uint32_t)status;
	return 0;
}

/* One status or a list of them; absent: the list stays as it is. */
static int read_statuses(struct http_statuses *to, const json_t *value, const char *where,
						 struct almoner_error *error)
{
	if (value == NULL)
		return 0;
	to->count = 0;
	if (!json_is_array(value))
		return read_status(to, value, where, error);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (read_status(to, json_array_get(value, i), where, error) != 0)
			return -1;
	return 0;
}

/* Members of a nested object are known and it is one. */
static int only_members(const json_t *object, const char *where, const char *const *known,
						struct almoner_error *error)
{
	if (!json_is_object(object))
		return kit_error_set(error, "%s: must be an object", where);
	const char *key = NULL;
	json_t *member = NULL;
	json_object_foreach(kit_json_at(object, ""), key, member)
	{
		size_t i = 0;
		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL)
			return kit_error_set(error, "%s: \"%s\" is not known here", where, key);
	}
	return 0;
}

static int read_path(char **to, const json_t *object, const char *name, const char *where,
					 struct almoner_error *error)
{
	const json_t *value = json_object_get(object, name);
	if (value != NULL && !json_is_string(value))
		return kit_error_set(error, "%s: %s must be a path such as \".id\"", where, name);
	*to = kit_settings_text(object, name);
	return 0;
}

/* ---- requests ---- */

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

static int read_body(struct request_settings *r, const json_t *body, const char *content_type,
					 const char *where, struct almoner_error *error)
{
	r->body = body;
	r->body_kind = has_no_body(r->method) ? BODY_NONE
				   : body == NULL         ? BODY_EVENT
				   : json_is_string(body) ? BODY_TEXT
										  : BODY_JSON;
	if (body != NULL && r->body_kind == BODY_NONE)
		return kit_error_set(error, "%s: a %s request carries no body", where, r->method);
	r->escape = escape_for(content_type);
	r->content_type = content_type != NULL        ? content_type
					  : r->body_kind == BODY_TEXT ? "text/plain; charset=utf-8"
												  : "application/json";
	return body == NULL ? 0 : kit_template_check(body, where, error);
}

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
	(void)snprintf(label, sizeof label, "%surl", where);
	if (kit_template_check_url(r->url, label, error) != 0)
		return -1;
	r->url_has_tags = kit_template_has_tags(r->url);
	(void)snprintf(label, sizeof label, "%sbody", where);
	return read_body(r, json_object_get(from, "body"), s->content_type, label, error);
}

static int read_undo(struct http_settings *s, const json_t *undo, struct almoner_error *error)
{
	static const char *const known[] = { "method",          "url",        "body", "gone_status",
										 "nothing_is_safe", "idempotent", NULL };
	if (undo == NULL)
		return 0;
	if (only_members(undo, "undo", known, error) != 0)
		return -1;
	s->gone = (struct http_statuses){ { 404, 410 }, 2 };
	s->nothing_is_safe = kit_settings_bool(undo, "nothing_is_safe");
	s->undo_idempotent = kit_settings_bool(undo, "idempotent");
	if (read_statuses(&s->gone, json_object_get(undo, "gone_status"), "undo: gone_status", error) != 0)
		return -1;
	return read_request(s, &s->undo, undo, "undo: ", "POST", error);
}

static int read_lookup(struct http_settings *s, const json_t *lookup, struct almoner_error *error)
{
	static const char *const known[] = { "method", "url", "body", "found", "equals", "id", NULL };
	if (lookup == NULL)
		return 0;
	if (only_members(lookup, "lookup", known, error) != 0)
		return -1;
	const json_t *found = json_object_get(lookup, "found");
	s->found.equals = json_object_get(lookup, "equals");
	if (json_is_string(found))
		s->found.path = kit_settings_text(lookup, "found");
	else if (read_statuses(&s->found.status, found, "lookup: found", error) != 0)
		return -1;
	if (s->found.equals != NULL && s->found.path == NULL)
		return kit_error_set(error, "lookup: equals needs a path in found");
	if (s->found.equals != NULL && kit_template_check(s->found.equals, "lookup: equals", error) != 0)
		return -1;
	if (read_path(&s->lookup_id_path, lookup, "id", "lookup", error) != 0)
		return -1;
	return read_request(s, &s->lookup, lookup, "lookup: ", "GET", error);
}

static int read_etag(struct http_settings *s, const json_t *etag, struct almoner_error *error)
{
	static const char *const known[] = { "url", NULL };
	if (etag == NULL)
		return 0;
	if (only_members(etag, "etag", known, error) != 0)
		return -1;
	for (size_t i = 0; i < s->header_count; i++)
		if (strcasecmp(s->headers[i].name, "If-Match") == 0 ||
			strcasecmp(s->headers[i].name, "If-None-Match") == 0)
			return kit_error_set(error, "etag: %s stands in headers already", s->headers[i].name);
	const json_t *url = json_object_get(json_object_get(etag, "url") != NULL ? etag : s->json, "url");
	json_t *from AUTO_JSON = json_pack("{s:O?}", "url", url);
	return read_request(s, &s->version, from, "etag: ", "GET", error);
}

static int read_success(struct http_settings *s, const json_t *success, struct almoner_error *error)
{
	static const char *const known[] = { "status", "path", "equals", NULL };
	if (success == NULL)
		return 0;
	if (only_members(success, "success", known, error) != 0 ||
		read_path(&s->success.path, success, "path", "success", error) != 0)
		return -1;
	s->success.equals = json_object_get(success, "equals");
	if (s->success.equals != NULL && s->success.path == NULL)
		return kit_error_set(error, "success: equals needs a path");
	return read_statuses(&s->success.status, json_object_get(success, "status"), "success: status", error);
}

/* ---- headers ---- */

static int check_header(const char *name, const json_t *value, struct almoner_error *error)
{
	static const char *const reserved[] = { "Host", "Content-Length", "Transfer-Encoding", "Connection",
											"Expect" };
	if (!kit_settings_is_token(name))
		return kit_error_set(error, "headers: \"%.60s\" is no name of a header", name);
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strcasecmp(reserved[i], name) == 0)
			return kit_error_set(error, "headers: %s is set by the gateway", name);
	const char *text = json_string_value(value);
	if (text == NULL)
		return kit_error_set(error, "headers: the value of %s must be a string", name);
	if (strpbrk(text, "\r\n") != NULL)
		return kit_error_set(error, "headers: the value of %s has a line break", name);
	return kit_template_check_text(text, "headers", error);
}

/* Each word of a header's fixed value may be a credential; so may the values of the address's query. */
static void add_secret_words(struct kit_secrets *secrets, const char *text, const char *separators)
{
	while (*text != '\0') {
		size_t len = strcspn(text, separators);
		char *word = len > 7 ? strndup(text, len) : NULL;
		if (word != NULL && !kit_template_has_tags(word))
			kit_secrets_add(secrets, word);
		free(word);
		text += len;
		text += strspn(text, separators);
	}
}

static void add_secret_query(struct kit_secrets *secrets, const char *url)
{
	const char *query = url != NULL ? strchr(url, '?') : NULL;
	if (query != NULL)
		add_secret_words(secrets, query, "?&=");
}

static void add_secrets(struct http_settings *s)
{
	for (size_t i = 0; i < s->header_count; i++)
		if (strncasecmp(s->headers[i].name, "Accept", 6) != 0 &&
			strcasecmp(s->headers[i].name, "Content-Type") != 0)
			add_secret_words(&s->secrets, s->headers[i].value, " ,;");
	add_secret_query(&s->secrets, s->do_request.url);
	add_secret_query(&s->secrets, s->undo.url);
	add_secret_query(&s->secrets, s->lookup.url);
	add_secret_query(&s->secrets, s->version.url);
}

static int read_headers(struct http_settings *s, const json_t *headers, struct almoner_error *error)
{
	if (headers != NULL && !json_is_object(headers))
		return kit_error_set(error, "headers: must be an object of names and texts");
	const char *name = NULL;
	json_t *value = NULL;
	json_object_foreach(kit_json_at(headers, ""), name, value)
	{
		if (check_header(name, value, error) != 0)
			return -1;
		if (s->header_count == SETTINGS_HEADERS_MAX)
			return kit_error_set(error, "headers: more than %d", SETTINGS_HEADERS_MAX);
		const char *text = json_string_value(value);
		s->headers[s->header_count++] = (struct header_setting){ name, text, kit_template_has_tags(text) };
	}
	return 0;
}

/* ---- the whole ---- */

static uint32_t repeat_of(const json_t *settings)
{
	static const char *const names[] = { "idempotent", "keyed", "queryable", "unsafe" };
	static const uint32_t values[] = { ALMONER_REPEAT_IDEMPOTENT, ALMONER_REPEAT_KEYED,
									   ALMONER_REPEAT_QUERYABLE, ALMONER_REPEAT_UNSAFE };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (kit_settings_choice_is(settings, "repeat", names[i]))
			return values[i];
	return 0;
}

static int read_repeat(struct http_settings *s, struct almoner_error *error)
{
	int64_t ttl = kit_settings_integer(s->json, "repeat_ttl", 0);
	s->repeat = repeat_of(s->json);
	s->repeat_ttl_ms = ttl > 0 ? (uint64_t)ttl : 0;
	s->key_header = kit_settings_text(s->json, "key_header");
	s->key_quoted = kit_settings_bool(s->json, "key_quoted");
	if (s->key_header != NULL && !kit_settings_is_token(s->key_header))
		return kit_error_set(error, "key_header: is no name of a header");
	if (s->repeat == ALMONER_REPEAT_QUERYABLE && !s->lookup.present)
		return kit_error_set(error, "repeat: \"queryable\" needs a lookup that says how to look");
	if (s->repeat == ALMONER_REPEAT_KEYED && s->repeat_ttl_ms == 0)
		return kit_error_set(error, "repeat_ttl: must be more than 0 when repeat is \"keyed\"");
	return 0;
}

int http_settings_read(struct http_settings *s, struct almoner_text text, struct almoner_error *error)
{
	s->json = kit_json_parse(text);
	s->content_type = kit_settings_text(s->json, "content_type");
	s->exists = (struct http_statuses){ { 409, 412 }, 2 };
	if (read_headers(s, json_object_get(s->json, "headers"), error) != 0 ||
		read_request(s, &s->do_request, s->json, "", "POST", error) != 0 ||
		read_success(s, json_object_get(s->json, "success"), error) != 0 ||
		read_path(&s->id_path, s->json, "id", "id", error) != 0 ||
		read_path(&s->error_path, s->json, "error", "error", error) != 0 ||
		read_statuses(&s->exists, json_object_get(s->json, "exists_status"), "exists_status", error) != 0 ||
		read_undo(s, json_object_get(s->json, "undo"), error) != 0 ||
		read_lookup(s, json_object_get(s->json, "lookup"), error) != 0 ||
		read_etag(s, json_object_get(s->json, "etag"), error) != 0 || read_repeat(s, error) != 0)
		return -1;
	add_secrets(s);
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
	kit_secrets_free(&s->secrets);
	json_decref(s->json);
}
