#include "connectors/http/http_reply.h"

#include "connectors/kit/json.h"

bool http_reply_status_fits(const struct reply_condition *condition, uint32_t status)
{
	return condition->status.count > 0 ? http_settings_status_in(&condition->status, status)
									   : status >= 200 && status <= 299;
}

json_t *http_reply_body(const struct http_attempt *a, bool wanted)
{
	const struct almoner_reply *reply = a->kit.answer.reply;
	return wanted && reply->truncated == 0 ? kit_json_parse(reply->body) : NULL;
}

void http_reply_take_id(struct http_attempt *a, const json_t *body, const char *path)
{
	char id[KIT_JSON_ID_BYTES];
	if (path != NULL && kit_json_id(body, path, id) != NULL)
		kit_answer_result_id(&a->kit.answer, id);
}

int http_reply_finish(struct http_attempt *a, uint32_t result_class, const char *what, const char *message)
{
	return kit_answer_finish(&a->kit.answer, result_class, what, message);
}

int http_reply_finish_failed(struct http_attempt *a, uint32_t result_class, const char *what)
{
	const char *path = a->settings->error_path;
	json_t *body AUTO_JSON = http_reply_body(a, path != NULL);
	return http_reply_finish(a, result_class, what, kit_json_text_at(body, path != NULL ? path : ""));
}

static bool body_fits(const struct reply_condition *condition, const json_t *body)
{
	const json_t *value = kit_json_at(body, condition->path);
	if (condition->equals == NULL)
		return kit_json_is_present(value);
	return value != NULL && json_equal(value, condition->equals);
}

int http_reply_finish_success(struct http_attempt *a)
{
	const struct http_settings *s = a->settings;
	json_t *body AUTO_JSON = http_reply_body(a, s->success.path != NULL || s->id_path != NULL);
	if (s->success.path != NULL && body == NULL)
		return http_reply_finish(a, ALMONER_UNKNOWN,
								 "the reply is not JSON, so success.path could not be checked", NULL);
	if (s->success.path != NULL && !body_fits(&s->success, body))
		return http_reply_finish_failed(a, ALMONER_REJECTED, "the reply does not say success");
	http_reply_take_id(a, body, s->id_path);
	return http_reply_finish(a, ALMONER_OK, NULL, NULL);
}
