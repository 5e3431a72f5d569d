#include "connectors/kit/answer.h"

#include <string.h>

#include "connectors/kit/json.h"

/* ---- details ---- */

/* Appends one character, cleaned, and returns how many bytes of the source it stood for: what is no UTF-8
 * becomes '?', a secret "***", control characters and blanks one blank. */
static size_t put_clean_character(struct kit_text *to, const struct kit_secrets *secrets, const char *p,
								  size_t len)
{
	size_t hidden = kit_secrets_match(secrets, p, len);
	if (hidden > 0) {
		kit_text_puts(to, "***");
		return hidden;
	}
	size_t n = kit_text_utf8_len(p, len);
	if (n == 0) {
		kit_text_putc(to, '?');
		return 1;
	}
	bool blank = n == 1 && ((unsigned char)*p <= ' ' || *p == 0x7F);
	bool after_blank = to->len == 0 || to->p[to->len - 1] == ' ';
	if (!blank)
		kit_text_add(to, p, n);
	else if (!after_blank)
		kit_text_putc(to, ' ');
	return n;
}

static void put_clean(struct kit_text *to, const struct kit_secrets *secrets, const char *p, size_t len)
{
	size_t at = 0;
	while (at < len && to->len < KIT_ANSWER_DETAIL_MAX)
		at += put_clean_character(to, secrets, p + at, len - at);
	while (to->len > 0 && to->p[to->len - 1] == ' ')
		to->p[--to->len] = '\0';
	if (at < len)
		kit_text_puts(to, "…");
}

static void make_detail(struct kit_answer *answer, const struct almoner_reply *reply, const char *what,
						const char *message, bool good)
{
	struct kit_text *d = &answer->detail;
	if (what != NULL)
		put_clean(d, answer->secrets, what, strlen(what));
	if (reply != NULL && reply->status != 0)
		kit_text_printf(d, "%s%u", d->len > 0 ? ": " : "", reply->status);
	struct almoner_text source = kit_text_lit(message);
	if (message == NULL && reply != NULL && !good && reply->body.p != NULL)
		source = reply->body;
	if (source.p != NULL && source.len > 0) {
		kit_text_puts(d, d->len > 0 ? ": " : "");
		put_clean(d, answer->secrets, source.p, source.len);
	}
}

/* ---- handing out ---- */

void kit_answer_init(struct kit_answer *answer, const struct kit_secrets *secrets)
{
	*answer = (struct kit_answer){ .secrets = secrets };
}

void kit_answer_free(struct kit_answer *answer)
{
	kit_text_free(&answer->url);
	kit_text_free(&answer->body);
	kit_text_free(&answer->values);
	kit_text_free(&answer->detail);
	kit_text_free(&answer->result);
	kit_text_free(&answer->checkpoint);
}

void kit_answer_start(struct kit_answer *answer)
{
	kit_text_clear(&answer->url);
	kit_text_clear(&answer->body);
	kit_text_clear(&answer->values);
	kit_text_clear(&answer->detail);
	kit_text_clear(&answer->result);
	kit_text_clear(&answer->checkpoint);
	answer->header_count = 0;
}

void kit_answer_header(struct kit_answer *answer, const char *name, struct almoner_text value)
{
	/* Settings are checked against the limit when they are read; a connector's own headers are few. */
	if (answer->header_count < KIT_ANSWER_HEADERS_MAX)
		answer->headers[answer->header_count++] = (struct almoner_header){ kit_text_lit(name), value };
}

static bool is_complete(const struct kit_answer *answer)
{
	return !answer->url.failed && !answer->body.failed && !answer->values.failed && !answer->detail.failed &&
		   !answer->result.failed && !answer->checkpoint.failed;
}

int kit_answer_send(struct kit_answer *answer, const char *method, bool body, enum almoner_effect effect,
					struct almoner_action *action, struct almoner_error *error)
{
	if (!is_complete(answer))
		return kit_error_set(error, "the request is larger than %zu bytes", KIT_TEXT_BYTES_MAX);
	action->kind = ALMONER_SEND_HTTP;
	action->effect = effect;
	action->http = (struct almoner_http){ .method = kit_text_lit(method),
										  .url = kit_text_view(&answer->url),
										  .headers = answer->headers,
										  .header_count = answer->header_count };
	if (body)
		action->http.body = kit_text_view(&answer->body);
	if (answer->checkpoint.len > 0)
		action->checkpoint = kit_text_view(&answer->checkpoint);
	return 0;
}

int kit_answer_finish(struct kit_answer *answer, uint32_t result_class, const struct almoner_reply *reply,
					  const char *what, const char *message, struct almoner_action *action,
					  struct almoner_error *error)
{
	make_detail(answer, reply, what, message, result_class == ALMONER_OK);
	if (!is_complete(answer))
		return kit_error_set(error, "the reply is too large to be told");
	action->kind = ALMONER_FINISH;
	action->done =
		(struct almoner_done){ .result_class = result_class, .detail = kit_text_view(&answer->detail) };
	if (reply != NULL) {
		action->done.status = reply->status;
		action->done.retry_after_ms = reply->retry_after_ms;
	}
	if (answer->result.len > 0)
		action->done.result = kit_text_view(&answer->result);
	return 0;
}

int kit_answer_problem(struct kit_answer *answer, const struct kit_problem *problem,
					   struct almoner_action *action, struct almoner_error *error)
{
	return kit_answer_finish(answer, problem->result_class, NULL, NULL, problem->text, action, error);
}

void kit_answer_result_id(struct kit_answer *answer, const char *id)
{
	kit_text_puts(&answer->result, "{\"id\":");
	kit_text_json_string(&answer->result, id, strlen(id));
	kit_text_putc(&answer->result, '}');
}
