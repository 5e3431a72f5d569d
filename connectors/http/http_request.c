#include "connectors/http/http_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/kit/template.h"

/* A configured header takes the key's place, but an undo is always sent under its own key: the target would
 * take the do's for a repeat of the do. A template that names the key is the undo's own already. */
static bool replaces_key(const struct http_attempt *a, const struct header_setting *h)
{
	const char *key_header = a->settings->key_header;
	bool undo = a->context.step->purpose == ALMONER_UNDO;
	return key_header != NULL && strcasecmp(h->name, key_header) == 0 &&
		   (!undo || (h->has_tags && strstr(h->value, "key") != NULL));
}

static bool is_dropped(const struct http_attempt *a, const struct header_setting *h)
{
	const char *key_header = a->settings->key_header;
	return a->context.step->purpose == ALMONER_UNDO && key_header != NULL &&
		   strcasecmp(h->name, key_header) == 0 && !replaces_key(a, h);
}

static bool add_headers(struct http_attempt *a, struct kit_problem *problem)
{
	const struct http_settings *s = a->settings;
	size_t at[KIT_ANSWER_HEADERS_MAX];
	for (size_t i = 0; i < s->header_count; i++) {
		at[i] = a->answer.values.len;
		if (!s->headers[i].has_tags || is_dropped(a, &s->headers[i]))
			continue;
		if (!kit_template_text(s->headers[i].value, &a->context, KIT_ESCAPE_HEADER, &a->answer.values,
							   problem))
			return false;
		kit_text_putc(&a->answer.values, '\0');
	}
	/* Only now does the memory behind the values stay where it is. */
	for (size_t i = 0; i < s->header_count; i++) {
		const struct header_setting *h = &s->headers[i];
		if (!is_dropped(a, h))
			kit_answer_header(
				&a->answer, h->name,
				kit_text_lit(h->has_tags ? kit_text_view(&a->answer.values).p + at[i] : h->value));
	}
	return true;
}

static bool configured(const struct http_settings *s, const char *name)
{
	for (size_t i = 0; i < s->header_count; i++)
		if (strcasecmp(s->headers[i].name, name) == 0)
			return true;
	return false;
}

static void add_key(struct http_attempt *a)
{
	const struct http_settings *s = a->settings;
	for (size_t i = 0; i < s->header_count; i++)
		if (replaces_key(a, &s->headers[i]))
			return;
	if (s->key_header == NULL)
		return;
	char key[33];
	(void)kit_context_key(a->context.step, "", key);
	(void)snprintf(a->key, sizeof a->key, s->key_quoted ? "\"%s\"" : "%s", key);
	kit_answer_header(&a->answer, s->key_header, kit_text_lit(a->key));
}

static void add_condition(struct http_attempt *a)
{
	bool there = a->etag.len > 0;
	if (a->phase == HTTP_PHASE_DO && a->settings->version.present)
		kit_answer_header(&a->answer, there ? "If-Match" : "If-None-Match",
						  there ? kit_text_view(&a->etag) : kit_text_lit("*"));
}

static bool add_body(struct http_attempt *a, const struct request_settings *r, struct kit_problem *problem)
{
	switch (r->body_kind) {
	case BODY_JSON:
		return kit_template_json(r->body, &a->context, &a->answer.body, problem);
	case BODY_TEXT:
		return kit_template_text(json_string_value(r->body), &a->context, r->escape, &a->answer.body,
								 problem);
	case BODY_NONE:
	case BODY_EVENT:
		break;
	}
	return true;
}

bool http_request_make(struct http_attempt *a, const struct request_settings *r, bool keyed,
					   struct kit_problem *problem)
{
	if (r->url_has_tags && !kit_template_text(r->url, &a->context, KIT_ESCAPE_URL, &a->answer.url, problem))
		return false;
	if (r->body_kind != BODY_NONE && !configured(a->settings, "Content-Type"))
		kit_answer_header(&a->answer, "Content-Type", kit_text_lit(r->content_type));
	if (!add_headers(a, problem) || !add_body(a, r, problem))
		return false;
	if (keyed)
		add_key(a);
	add_condition(a);
	return true;
}
