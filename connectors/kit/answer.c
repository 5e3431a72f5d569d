#include "connectors/kit/answer.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/kit/json.h"

#define SECRET_BYTES_MIN 6

/* ---- secrets ------------------------------------------------------------------------------------------ */

void secrets_add(struct secrets *secrets, const char *text)
{
	if (text == NULL || strlen(text) < SECRET_BYTES_MIN)
		return;
	char **items = realloc(secrets->items, (secrets->count + 1) * sizeof *items);
	if (items == NULL)
		return;
	secrets->items = items;
	items[secrets->count] = strdup(text);
	secrets->count += items[secrets->count] != NULL;
}

void secrets_free(struct secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++) {
		explicit_bzero(secrets->items[i], strlen(secrets->items[i]));
		free(secrets->items[i]);
	}
	free(secrets->items);
	*secrets = (struct secrets){ 0 };
}

/* The length of the secret that begins at p, 0 for none. */
static size_t secret_at(const struct secrets *secrets, const char *p, size_t len)
{
	size_t longest = 0;
	for (size_t i = 0; secrets != NULL && i < secrets->count; i++) {
		size_t n = strlen(secrets->items[i]);
		if (n <= len && n > longest && memcmp(p, secrets->items[i], n) == 0)
			longest = n;
	}
	return longest;
}

/* ---- details ------------------------------------------------------------------------------------------ */

/* Appends one character, cleaned, and returns how many bytes of the source it stood for: what is no UTF-8
 * becomes '?', a secret "***", control characters and blanks one blank. */
static size_t put_clean_character(struct text *to, const struct secrets *secrets, const char *p, size_t len)
{
	size_t hidden = secret_at(secrets, p, len);
	if (hidden > 0) {
		text_puts(to, "***");
		return hidden;
	}
	size_t n = utf8_len(p, len);
	if (n == 0) {
		text_putc(to, '?');
		return 1;
	}
	bool blank = n == 1 && ((unsigned char)*p <= ' ' || *p == 0x7F);
	bool after_blank = to->len == 0 || to->p[to->len - 1] == ' ';
	if (!blank)
		text_add(to, p, n);
	else if (!after_blank)
		text_putc(to, ' ');
	return n;
}

static void put_clean(struct text *to, const struct secrets *secrets, const char *p, size_t len)
{
	size_t at = 0;
	while (at < len && to->len < ANSWER_DETAIL_MAX)
		at += put_clean_character(to, secrets, p + at, len - at);
	while (to->len > 0 && to->p[to->len - 1] == ' ')
		to->p[--to->len] = '\0';
	if (at < len)
		text_puts(to, "…");
}

static void make_detail(struct answer *answer, const struct almoner_reply *reply, const char *what,
						const char *said, bool good)
{
	struct text *d = &answer->detail;
	if (what != NULL)
		put_clean(d, answer->secrets, what, strlen(what));
	if (reply != NULL && reply->status != 0)
		text_printf(d, "%s%u", d->len > 0 ? ": " : "", reply->status);
	struct almoner_text word = text_lit(said);
	if (said == NULL && reply != NULL && !good && reply->body.p != NULL)
		word = reply->body;
	if (word.p != NULL && word.len > 0) {
		text_puts(d, d->len > 0 ? ": " : "");
		put_clean(d, answer->secrets, word.p, word.len);
	}
}

/* ---- handing out -------------------------------------------------------------------------------------- */

void answer_init(struct answer *answer, const struct secrets *secrets)
{
	*answer = (struct answer){ .secrets = secrets };
}

void answer_free(struct answer *answer)
{
	text_free(&answer->url);
	text_free(&answer->body);
	text_free(&answer->values);
	text_free(&answer->detail);
	text_free(&answer->result);
	text_free(&answer->checkpoint);
}

void answer_start(struct answer *answer)
{
	text_clear(&answer->url);
	text_clear(&answer->body);
	text_clear(&answer->values);
	text_clear(&answer->detail);
	text_clear(&answer->result);
	text_clear(&answer->checkpoint);
	answer->header_count = 0;
}

void answer_header(struct answer *answer, const char *name, struct almoner_text value)
{
	/* Settings are checked against the limit when they are read; a connector's own headers are few. */
	if (answer->header_count < ANSWER_HEADERS_MAX)
		answer->headers[answer->header_count++] = (struct almoner_header){ text_lit(name), value };
}

static bool sound(const struct answer *answer)
{
	return !answer->url.failed && !answer->body.failed && !answer->values.failed && !answer->detail.failed &&
		   !answer->result.failed && !answer->checkpoint.failed;
}

int answer_send(struct answer *answer, const char *method, bool body, enum almoner_effect effect,
				struct almoner_action *action, struct almoner_error *error)
{
	if (!sound(answer))
		return error_set(error, "the request is larger than %zu bytes", TEXT_CAP_BYTES);
	action->kind = ALMONER_SEND_HTTP;
	action->effect = effect;
	action->http = (struct almoner_http){ .method = text_lit(method),
										  .url = text_view(&answer->url),
										  .headers = answer->headers,
										  .header_count = answer->header_count };
	if (body)
		action->http.body = text_view(&answer->body);
	if (answer->checkpoint.len > 0)
		action->checkpoint = text_view(&answer->checkpoint);
	return 0;
}

int answer_finish(struct answer *answer, uint32_t result_class, const struct almoner_reply *reply,
				  const char *what, const char *said, struct almoner_action *action,
				  struct almoner_error *error)
{
	make_detail(answer, reply, what, said, result_class == ALMONER_OK);
	if (!sound(answer))
		return error_set(error, "the reply is too large to be told");
	action->kind = ALMONER_FINISH;
	action->done =
		(struct almoner_done){ .result_class = result_class, .detail = text_view(&answer->detail) };
	if (reply != NULL) {
		action->done.status = reply->status;
		action->done.retry_after_ms = reply->retry_after_ms;
	}
	if (answer->result.len > 0)
		action->done.result = text_view(&answer->result);
	return 0;
}

int answer_problem(struct answer *answer, const struct problem *problem, struct almoner_action *action,
				   struct almoner_error *error)
{
	return answer_finish(answer, problem->result_class, NULL, NULL, problem->text, action, error);
}

void answer_result_id(struct answer *answer, const char *id)
{
	text_puts(&answer->result, "{\"id\":");
	text_json_string(&answer->result, id, strlen(id));
	text_putc(&answer->result, '}');
}

const char *reply_id(const json_t *reply, const char *path, char out[200])
{
	struct text t AUTO_TEXT = { 0 };
	const json_t *value = json_at(reply, path);
	if (!json_scalar(&t, value) || t.len == 0 || t.len >= 200)
		return NULL;
	memcpy(out, t.p, t.len + 1);
	return out;
}
