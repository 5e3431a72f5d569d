#include "connectors/http/http_lookup.h"

#include "connectors/http/http_reply.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/template.h"

enum lookup_finding {
	LOOKUP_FOUND,
	LOOKUP_DIFFERENT, /* the target has a record, but not the one that this step would have made */
	LOOKUP_NOT_FOUND,
	LOOKUP_UNCLEAR /* the reply does not tell whether the target has the record */
};

/* Some APIs say "none" with a count of 0. */
static bool is_nothing(const json_t *value)
{
	return !kit_json_is_present(value) || (json_is_number(value) && json_number_value(value) == 0);
}

/* The value that lookup.equals asks for, made from the event; NULL if the event lacks a part of it. */
static json_t *wanted_value(struct http_attempt *a)
{
	struct kit_problem problem = { 0 };
	struct kit_text text AUTO_TEXT = { 0 };
	if (!kit_template_json(a->settings->found.equals, &a->kit.context, &text, &problem))
		return NULL;
	return kit_json_parse(kit_text_view(&text));
}

/* Without `equals` each value at the path counts as our record. */
static enum lookup_finding compare(struct http_attempt *a, const json_t *value)
{
	if (a->settings->found.equals == NULL)
		return kit_json_is_present(value) ? LOOKUP_FOUND : LOOKUP_NOT_FOUND;
	json_t *wanted AUTO_JSON = wanted_value(a);
	if (value != NULL && wanted != NULL && json_equal(value, wanted))
		return LOOKUP_FOUND;
	return is_nothing(value) ? LOOKUP_NOT_FOUND : LOOKUP_DIFFERENT;
}

/* Reads the reply to a look-up. Writes the id of a record that was found into the result. */
static enum lookup_finding evaluate(struct http_attempt *a)
{
	const struct http_settings *s = a->settings;
	uint32_t status = a->kit.answer.reply->status;
	if (status == 404 || status == 410)
		return http_settings_status_in(&s->found.status, status) ? LOOKUP_FOUND : LOOKUP_NOT_FOUND;
	if (!http_reply_status_fits(&s->found, status))
		return s->found.status.count > 0 && status >= 200 && status <= 299 ? LOOKUP_NOT_FOUND
																		   : LOOKUP_UNCLEAR;
	json_t *body AUTO_JSON = http_reply_body(a, s->found.path != NULL || s->lookup_id_path != NULL);
	if (s->found.path != NULL && body == NULL)
		return LOOKUP_UNCLEAR;
	enum lookup_finding finding =
		s->found.path != NULL ? compare(a, kit_json_at(body, s->found.path)) : LOOKUP_FOUND;
	if (finding == LOOKUP_FOUND)
		http_reply_take_id(a, body, s->lookup_id_path);
	return finding;
}

uint32_t http_lookup_unclear_class(const struct almoner_reply *reply)
{
	uint32_t result_class = kit_reply_class_http(reply, ALMONER_READS);
	return result_class == ALMONER_OK ? ALMONER_UNREACHABLE : result_class;
}

/* A different record is EXISTS and not ABSENT: sending again would overwrite or duplicate it, so an operator
 * decides. */
int http_lookup_on_reply(struct http_attempt *a)
{
	switch (evaluate(a)) {
	case LOOKUP_FOUND:
		return http_reply_finish(a, ALMONER_OK, "found by look-up", NULL);
	case LOOKUP_NOT_FOUND:
		return http_reply_finish(a, ALMONER_ABSENT, "not found by look-up", "");
	case LOOKUP_DIFFERENT:
		return http_reply_finish(a, ALMONER_EXISTS,
								 "the look-up found another record than the one that was sent", "");
	case LOOKUP_UNCLEAR:
		break;
	}
	return http_reply_finish_failed(a, http_lookup_unclear_class(a->kit.answer.reply),
									"the look-up gave no answer");
}

/* The target said "exists already". Only a look-up that finds the record makes this a success. A look-up that
 * fails must not count as "no effect", because an earlier attempt may have created the record: UNKNOWN. */
int http_lookup_on_confirm(struct http_attempt *a)
{
	switch (evaluate(a)) {
	case LOOKUP_FOUND:
		return http_reply_finish(a, ALMONER_OK, "exists already, found by look-up", NULL);
	case LOOKUP_NOT_FOUND:
		return http_reply_finish(
			a, ALMONER_EXISTS,
			"the target says that the record exists, but the look-up does not find the record", "");
	case LOOKUP_DIFFERENT:
		return http_reply_finish(
			a, ALMONER_EXISTS,
			"exists already, and the look-up found another record than the one that was sent", "");
	case LOOKUP_UNCLEAR:
		break;
	}
	return http_reply_finish_failed(a, ALMONER_UNKNOWN,
									"the target says that the record exists, and the look-up gave no answer");
}

/* A 412 said that another writer changed the record. If that writer was an earlier attempt of this step, the
 * look-up finds its record and nothing is left to do. A different record is the one to write over. */
int http_lookup_on_after_race(struct http_attempt *a)
{
	switch (evaluate(a)) {
	case LOOKUP_FOUND:
		return http_reply_finish(a, ALMONER_OK, "found by look-up", NULL);
	case LOOKUP_NOT_FOUND:
	case LOOKUP_DIFFERENT:
		return http_request_send(a, &a->settings->version, HTTP_PHASE_READ_ETAG);
	case LOOKUP_UNCLEAR:
		break;
	}
	return http_reply_finish_failed(a, ALMONER_UNKNOWN,
									"the record was changed meanwhile, and the look-up gave no answer");
}

/* The look-up ran with the key of DO; the undo itself is sent with its own key, and its templates see what
 * was found as {{own}}. */
int http_lookup_on_undo(struct http_attempt *a)
{
	struct kit_problem problem = { 0 };
	switch (evaluate(a)) {
	case LOOKUP_FOUND:
		kit_context_use_do_key(&a->kit.context, false);
		if (!kit_context_load(&a->kit.context, &problem))
			return kit_answer_problem(&a->kit.answer, &problem);
		kit_context_set_own(&a->kit.context, kit_json_parse(kit_text_view(&a->kit.answer.result)));
		return http_request_send(a, &a->settings->undo, HTTP_PHASE_UNDO);
	case LOOKUP_NOT_FOUND:
		return http_reply_finish(a, ALMONER_OK, "nothing to undo: the look-up does not find the record", "");
	case LOOKUP_DIFFERENT:
		return http_reply_finish(
			a, ALMONER_REJECTED,
			"the look-up before the undo found another record than the one that was sent", "");
	case LOOKUP_UNCLEAR:
		break;
	}
	return http_reply_finish_failed(a, http_lookup_unclear_class(a->kit.answer.reply),
									"the look-up before the undo gave no answer");
}
