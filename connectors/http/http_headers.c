/* The headers of the settings, and what in them may be a secret. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/http_settings_internal.h"
#include "connectors/kit/error.h"
#include "connectors/kit/json.h"
#include "connectors/kit/settings.h"
#include "connectors/kit/template.h"

/* The connector itself adds up to three headers: Content-Type, the key, and a condition. */
#define SETTINGS_HEADERS_MAX (KIT_ANSWER_HEADERS_MAX - 3)

/* A shorter word of a header is no credential; hiding it would only spoil error texts. Chosen; no
 * measurement. */
#define SECRET_WORD_BYTES_MIN 8

/* The reserved headers belong to the transport: a wrong value would break the framing of the request. */
static int check_header(const struct http_settings *s, const char *name, const json_t *value,
						struct almoner_error *error)
{
	static const char *const reserved[] = { "Host", "Content-Length", "Transfer-Encoding", "Connection",
											"Expect" };
	if (!kit_settings_is_token(name))
		return kit_error_set(error, "headers: \"%.60s\" is not a valid header name", name);
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strcasecmp(reserved[i], name) == 0)
			return kit_error_set(error, "headers: %s is set by the gateway", name);
	const char *text = json_string_value(value);
	if (text == NULL)
		return kit_error_set(error, "headers: the value of %s must be a string", name);
	if (strpbrk(text, "\r\n") != NULL)
		return kit_error_set(error, "headers: the value of %s has a line break", name);
	return kit_template_check_text(text, "headers", s->kit.host, error);
}

int http_headers_read(struct http_settings *s, const json_t *headers, struct almoner_error *error)
{
	if (headers != NULL && !json_is_object(headers))
		return kit_error_set(error, "headers: must be an object of names and texts");
	const char *name = NULL;
	json_t *value = NULL;
	json_object_foreach(kit_json_at(headers, ""), name, value)
	{
		if (check_header(s, name, value, error) != 0)
			return -1;
		if (s->header_count == SETTINGS_HEADERS_MAX)
			return kit_error_set(error, "headers: more than %d", SETTINGS_HEADERS_MAX);
		const char *text = json_string_value(value);
		s->headers[s->header_count++] = (struct header_setting){ name, text, kit_template_has_tags(text) };
	}
	return 0;
}

/* A word with a tag is not fixed: it holds data of the event, not a credential. */
static void add_words(struct kit_secrets *secrets, const char *text, const char *separators)
{
	while (*text != '\0') {
		size_t len = strcspn(text, separators);
		char *word = len >= SECRET_WORD_BYTES_MIN ? strndup(text, len) : NULL;
		if (word != NULL && !kit_template_has_tags(word))
			kit_secrets_add(secrets, word);
		kit_secrets_wipe(word);
		text += len;
		text += strspn(text, separators);
	}
}

static void add_query(struct kit_secrets *secrets, const char *url)
{
	const char *query = url != NULL ? strchr(url, '?') : NULL;
	if (query != NULL)
		add_words(secrets, query, "?&=");
}

void http_headers_add_secrets(struct http_settings *s)
{
	struct kit_secrets *secrets = &s->kit.secrets;
	for (size_t i = 0; i < s->header_count; i++)
		if (strncasecmp(s->headers[i].name, "Accept", 6) != 0 &&
			strcasecmp(s->headers[i].name, "Content-Type") != 0)
			add_words(secrets, s->headers[i].value, " ,;");
	add_query(secrets, s->do_request.url);
	add_query(secrets, s->undo.url);
	add_query(secrets, s->lookup.url);
	add_query(secrets, s->version.url);
}
