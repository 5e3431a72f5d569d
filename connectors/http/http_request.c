#include "connectors/http/http_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/kit/template.h"

/* A configured header takes the key's place, but an undo is always sent under its own key: the target would
 * take the do's for a repeat of the do. A template that names the key is the undo's own already. */
static bool stands_for_key(const struct attempt *a, const struct header *h)
{
	const char *key_header = a->settings->key_header;
	bool undo = a->context.step->purpose == ALMONER_UNDO;
	return key_header != NULL && strcasecmp(h->name, key_header) == 0 &&
		   (!undo || (h->has_tags && strstr(h->value, "key") != NULL));
}

static bool is_dropped(const struct attempt *a, const struct header *h)
{
	const char *key_header = a->settings->key_header;
	return a->context.step->purpose == ALMONER_UNDO && key_header != NULL &&
		   strcasecmp(h->name, key_header) == 0 && !stands_for_key(a, h);
}

static bool add_headers(struct attempt *a, struct problem *problem)
{
	const struct http_settings *s = a->settings;
	size_t at[ANSWER_HEADERS_MAX];
	for (size_t i = 0; i < s->header_count; i++) {
		at[i] = a->answer.values.len;
		if (!s->headers[i].has_tags || is_dropped(a, &s->headers[i]))
			continue;
		if (!template_text(s->headers[i].value, &a->context, PLACE_HEADER, &a->answer.values, problem))
			return false;
		text_putc(&a->answer.values, '\0');
	}
	/* Only now does the memory behind the values stay where it is. */
	for (size_t i = 0; i < s->header_count; i++) {
		const struct header *h = &s->headers[i];
		if (!is_dropped(a, h))
			answer_header(&a->answer, h->name,
						  text_lit(h->has_tags ? text_view(&a->answer.values).p + at[i] : h->value));
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

static void add_key(struct attempt *a)
{
	const struct http_settings *s = a->settings;
	for (size_t i = 0; i < s->header_count; i++)
		if (stands_for_key(a, &s->headers[i]))
			return;
	if (s->key_header == NULL)
		return;
	char key[33];
	(void)context_key(a->context.step, "", key);
	(void)snprintf(a->key, sizeof a->key, s->key_quoted ? "\"%s\"" : "%s", key);
	answer_header(&a->answer, s->key_header, text_lit(a->key));
}

static void add_condition(struct attempt *a)
{
	bool there = a->etag.len > 0;
	if (a->phase == PHASE_DOING && a->settings->version.present)
		answer_header(&a->answer, there ? "If-Match" : "If-None-Match",
					  there ? text_view(&a->etag) : text_lit("*"));
}

static bool add_body(struct attempt *a, const struct request *r, struct problem *problem)
{
	switch (r->body_kind) {
	case BODY_JSON:
		return template_json(r->body, &a->context, &a->answer.body, problem);
	case BODY_TEXT:
		return template_text(json_string_value(r->body), &a->context, r->place, &a->answer.body, problem);
	case BODY_NONE:
	case BODY_EVENT:
		break;
	}
	return true;
}

bool request_make(struct attempt *a, const struct request *r, bool keyed, struct problem *problem)
{
	if (r->url_has_tags && !template_text(r->url, &a->context, PLACE_URL, &a->answer.url, problem))
		return false;
	if (r->body_kind != BODY_NONE && !configured(a->settings, "Content-Type"))
		answer_header(&a->answer, "Content-Type", text_lit(r->content_type));
	if (!add_headers(a, problem) || !add_body(a, r, problem))
		return false;
	if (keyed)
		add_key(a);
	add_condition(a);
	return true;
}
