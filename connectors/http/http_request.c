#include "connectors/http/http_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/kit/template.h"

/* ---- headers ---- */

/* True if a configured header stands in the place of the key's header. In an undo it does so only if its
 * template names a key: any other value would be the one that DO carried, and the target would treat the undo
 * as a repeat of DO. */
static bool replaces_key(const struct http_attempt *a, const struct header_setting *h)
{
	const char *key_header = a->settings->key_header;
	bool undo = a->kit.context.step->purpose == ALMONER_UNDO;
	return key_header != NULL && strcasecmp(h->name, key_header) == 0 &&
		   (!undo || (h->has_tags && strstr(h->value, "key") != NULL));
}

/* True if a configured header must give way to the undo's own key. */
static bool is_dropped(const struct http_attempt *a, const struct header_setting *h)
{
	const char *key_header = a->settings->key_header;
	return a->kit.context.step->purpose == ALMONER_UNDO && key_header != NULL &&
		   strcasecmp(h->name, key_header) == 0 && !replaces_key(a, h);
}

/* Renders all values first and adds the headers afterwards: while `values` grows, its memory may move. */
static bool add_headers(struct http_attempt *a, struct kit_problem *problem)
{
	const struct http_settings *s = a->settings;
	struct kit_answer *answer = &a->kit.answer;
	size_t at[KIT_ANSWER_HEADERS_MAX];
	for (size_t i = 0; i < s->header_count; i++) {
		at[i] = answer->values.len;
		if (!s->headers[i].has_tags || is_dropped(a, &s->headers[i]))
			continue;
		if (!kit_template_text(s->headers[i].value, &a->kit.context, KIT_ESCAPE_HEADER, &answer->values,
							   problem))
			return false;
		kit_text_putc(&answer->values, '\0');
	}
	for (size_t i = 0; i < s->header_count; i++) {
		const struct header_setting *h = &s->headers[i];
		const char *value = h->has_tags ? kit_text_view(&answer->values).p + at[i] : h->value;
		if (!is_dropped(a, h))
			kit_answer_header(answer, h->name, kit_text_lit(value));
	}
	return true;
}

static bool is_configured(const struct http_settings *s, const char *name)
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
	kit_context_key(a->kit.context.step, "", key);
	snprintf(a->key, sizeof a->key, s->key_quoted ? "\"%s\"" : "%s", key);
	kit_answer_header(&a->kit.answer, s->key_header, kit_text_lit(a->key));
}

/* With `etag` set, DO writes only onto the record that was read, or only if there is still no record. */
static void add_condition(struct http_attempt *a)
{
	bool there = a->etag.len > 0;
	if (a->phase == HTTP_PHASE_DO && a->settings->version.present)
		kit_answer_header(&a->kit.answer, there ? "If-Match" : "If-None-Match",
						  there ? kit_text_view(&a->etag) : kit_text_lit("*"));
}

/* ---- the request ---- */

/* The canonical event as body (BODY_EVENT) needs no rendering: http_request_send hands it out itself. */
static bool add_body(struct http_attempt *a, const struct request_settings *r, struct kit_problem *problem)
{
	struct kit_text *body = &a->kit.answer.body;
	switch (r->body_kind) {
	case BODY_JSON:
		return kit_template_json(r->body, &a->kit.context, body, problem);
	case BODY_TEXT:
		return kit_template_text(json_string_value(r->body), &a->kit.context, r->escape, body, problem);
	case BODY_NONE:
	case BODY_EVENT:
		break;
	}
	return true;
}

/* `keyed`: the request carries the key of the step. */
static bool make_request(struct http_attempt *a, const struct request_settings *r, bool keyed,
						 struct kit_problem *problem)
{
	struct kit_answer *answer = &a->kit.answer;
	if (r->url_has_tags && !kit_template_text(r->url, &a->kit.context, KIT_ESCAPE_URL, &answer->url, problem))
		return false;
	if (r->body_kind != BODY_NONE && !is_configured(a->settings, "Content-Type"))
		kit_answer_header(answer, "Content-Type", kit_text_lit(r->content_type));
	if (!add_headers(a, problem) || !add_body(a, r, problem))
		return false;
	if (keyed)
		add_key(a);
	add_condition(a);
	return true;
}

/* A fixed URL and the canonical event are handed out without a copy: both live longer than the action. */
int http_request_send(struct http_attempt *a, const struct request_settings *r, enum http_phase phase)
{
	struct kit_answer *answer = &a->kit.answer;
	struct kit_problem problem = { 0 };
	bool effects = phase == HTTP_PHASE_DO || phase == HTTP_PHASE_UNDO;
	a->phase = phase;
	kit_answer_clear(answer);
	if (!make_request(a, r, effects, &problem))
		return kit_answer_problem(answer, &problem);
	if (kit_answer_send(answer, r->method, r->body_kind != BODY_NONE,
						effects ? ALMONER_EFFECTS : ALMONER_READS) != 0)
		return -1;
	if (!r->url_has_tags)
		answer->action->http.url = kit_text_lit(r->url);
	if (r->body_kind == BODY_EVENT)
		answer->action->http.body = a->kit.context.step->event;
	return 0;
}
