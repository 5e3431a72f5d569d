#include "connectors/kit/answer.h"

#include <assert.h>
#include <string.h>

#include "connectors/kit/escape.h"

/* ---- details ---- */

/* Appends the character at `p` in its clean form and returns the number of bytes it had there: a secret
 * becomes "***", a byte that is not UTF-8 becomes '?', a run of control characters and spaces becomes one
 * space. */
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

static void put_clean(struct kit_text *to, const struct kit_secrets *secrets, struct almoner_text text)
{
	size_t at = 0;
	while (at < text.len && to->len < KIT_ANSWER_DETAIL_MAX)
		at += put_clean_character(to, secrets, text.p + at, text.len - at);
	kit_text_trim(to);
	if (at < text.len)
		kit_text_puts(to, "…");
}

/* "WHAT: STATUS: MESSAGE", each part only if there is one. `what` and `message` are cleaned like the body: a
 * message may repeat data of the event. */
static void make_detail(struct kit_answer *answer, const char *what, const char *message, bool good)
{
	const struct almoner_reply *reply = answer->reply;
	struct kit_text *d = &answer->detail;
	if (what != NULL)
		put_clean(d, answer->secrets, kit_text_lit(what));
	if (reply != NULL && reply->status != 0)
		kit_text_printf(d, "%s%u", d->len > 0 ? ": " : "", reply->status);
	struct almoner_text source = kit_text_lit(message);
	if (message == NULL && reply != NULL && !good && reply->body.p != NULL)
		source = reply->body;
	if (source.p != NULL && source.len > 0) {
		kit_text_puts(d, d->len > 0 ? ": " : "");
		put_clean(d, answer->secrets, source);
	}
}

/* ---- life ---- */

static void each_text(struct kit_answer *answer, void (*use)(struct kit_text *))
{
	use(&answer->url);
	use(&answer->body);
	use(&answer->values);
	use(&answer->detail);
	use(&answer->result);
	use(&answer->checkpoint);
}

void kit_answer_init(struct kit_answer *answer, const struct kit_secrets *secrets)
{
	*answer = (struct kit_answer){ .secrets = secrets };
}

void kit_answer_free(struct kit_answer *answer)
{
	each_text(answer, kit_text_free);
}

void kit_answer_clear(struct kit_answer *answer)
{
	each_text(answer, kit_text_clear);
	answer->code[0] = '\0';
	answer->rate = (struct almoner_rate){ 0 };
	answer->header_count = 0;
}

void kit_answer_start(struct kit_answer *answer, const struct almoner_reply *reply,
					  struct almoner_action *action, struct almoner_error *error)
{
	assert(action != NULL && error != NULL);
	kit_answer_clear(answer);
	answer->reply = reply;
	answer->action = action;
	answer->error = error;
}

/* ---- the three ends of a call ---- */

/* The settings of a connector limit the number of headers when they are read, and the headers that a
 * connector adds itself are a fixed few: too many headers are a mistake in the connector. */
void kit_answer_header(struct kit_answer *answer, const char *name, struct almoner_text value)
{
	assert(answer->header_count < KIT_ANSWER_HEADERS_MAX);
	answer->headers[answer->header_count++] = (struct almoner_header){ kit_text_lit(name), value };
}

static bool is_complete(const struct kit_answer *answer)
{
	return !answer->url.failed && !answer->body.failed && !answer->values.failed && !answer->detail.failed &&
		   !answer->result.failed && !answer->checkpoint.failed;
}

/* A text over its limit would be sent incomplete, so it fails the call instead. */
int kit_answer_send(struct kit_answer *answer, const char *method, bool body, enum almoner_effect effect)
{
	assert(answer->action != NULL); /* kit_answer_start came first */
	assert(effect == ALMONER_READS || effect == ALMONER_EFFECTS);
	if (!is_complete(answer))
		return kit_error_set(answer->error, "the request is larger than %zu bytes", KIT_TEXT_BYTES_MAX);
	struct almoner_action *action = answer->action;
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

int kit_answer_finish(struct kit_answer *answer, uint32_t result_class, const char *what, const char *message)
{
	assert(answer->action != NULL); /* kit_answer_start came first */
	assert(result_class >= ALMONER_OK && result_class <= ALMONER_PARTIAL);
	const struct almoner_reply *reply = answer->reply;
	make_detail(answer, what, message, result_class == ALMONER_OK);
	if (!is_complete(answer))
		return kit_error_set(answer->error, "the result is larger than %zu bytes", KIT_TEXT_BYTES_MAX);
	answer->action->kind = ALMONER_FINISH;
	answer->action->done =
		(struct almoner_done){ .result_class = result_class,
							   .detail = kit_text_view(&answer->detail),
							   .code = kit_text_lit(answer->code[0] != '\0' ? answer->code : NULL),
							   .rate = answer->rate };
	if (reply != NULL) {
		answer->action->done.status = reply->status;
		answer->action->done.retry_after_ms = reply->retry_after_ms;
	}
	if (answer->result.len > 0)
		answer->action->done.result = kit_text_view(&answer->result);
	return 0;
}

int kit_answer_problem(struct kit_answer *answer, const struct kit_problem *problem)
{
	assert(problem->result_class != 0);
	answer->reply = NULL;
	return kit_answer_finish(answer, problem->result_class, NULL, problem->text);
}

void kit_answer_code(struct kit_answer *answer, const char *code)
{
	size_t bytes = code != NULL ? strlen(code) : 0;
	size_t len = 0;
	for (size_t i = 0; i < bytes; i++)
		if (kit_secrets_match(answer->secrets, code + i, bytes - i) > 0)
			bytes = 0;
	for (; len < bytes && len + 1 < sizeof answer->code; len++)
		answer->code[len] = code[len] > ' ' && code[len] <= '~' ? code[len] : '_';
	answer->code[len] = '\0';
}

void kit_answer_result_id(struct kit_answer *answer, const char *id)
{
	assert(answer->result.len == 0);
	kit_text_putc(&answer->result, '{');
	kit_escape_json_member(&answer->result, "id", id);
	kit_text_putc(&answer->result, '}');
}
