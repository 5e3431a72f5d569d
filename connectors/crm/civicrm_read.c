#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"

struct civicrm_phrase {
	const char *text;
	uint32_t result_class;
};

/* Every exception but "unauthorised" is a 500: only the words tell a lasting error from a passing one.
 * Without "view debug output" the words are an opaque id, and the 500 stays what a 500 is. */
static const struct civicrm_phrase phrases[] = {
	{ "already exists", ALMONER_EXISTS },
	{ "Duplicate", ALMONER_EXISTS },
	{ "Mandatory values missing", ALMONER_REJECTED },
	{ "Authorization failed", ALMONER_FORBIDDEN },
};

static uint32_t class_of_message(const char *message, uint32_t otherwise)
{
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
		if (strcasestr(message, phrases[i].text) != NULL)
			return phrases[i].result_class;
	return otherwise;
}

static uint32_t for_effect(uint32_t result_class, enum almoner_effect effect)
{
	bool doubt = result_class == ALMONER_UNKNOWN && effect == ALMONER_READS;
	return doubt ? ALMONER_UNREACHABLE : result_class;
}

void civicrm_read(const struct almoner_reply *reply, enum almoner_effect effect, struct civicrm_reply *ret)
{
	*ret = (struct civicrm_reply){ .body = reply->truncated == 0 ? kit_json_parse(reply->body) : NULL };
	const char *message = kit_json_text_at(ret->body, "error_message");
	ret->result_class = kit_reply_class_http(reply, effect);
	(void)snprintf(ret->message, sizeof ret->message, "%s", message != NULL ? message : "");
	if (message != NULL && (reply->status == 500 || reply->status == 200))
		ret->result_class = class_of_message(message, for_effect(ALMONER_UNKNOWN, effect));
	const json_t *values = kit_json_at(ret->body, "values");
	ret->values = json_is_array(values) ? values : NULL;
	/* A page that is no answer of the API, such as a log-in form with 200. */
	if (ret->result_class == ALMONER_OK && ret->values == NULL)
		ret->result_class = for_effect(ALMONER_UNKNOWN, effect);
}

void civicrm_reply_free(struct civicrm_reply *r)
{
	json_decref(r->body);
	r->body = NULL;
}
