/* What a reply of CiviCRM means. */
#include <stdio.h>
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"

struct civicrm_phrase {
	const char *text;
	uint32_t result_class;
};

/* CiviCRM answers 500 to every exception except "unauthorised". Only the text of the exception shows whether
 * a repeat can help. A user without the permission "view debug output" gets an id in place of the text; such
 * a reply is classified by its status. */
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

/* A 200 without a list of values is no answer of the API: for example, it is a login form. */
void civicrm_read(const struct almoner_reply *reply, enum almoner_effect effect, struct civicrm_reply *ret)
{
	*ret = (struct civicrm_reply){ .body = reply->truncated == 0 ? kit_json_parse(reply->body) : NULL };
	const char *message = kit_json_text_at(ret->body, "error_message");
	ret->result_class = kit_reply_class_http(reply, effect);
	snprintf(ret->message, sizeof ret->message, "%s", message != NULL ? message : "");
	if (message != NULL && (reply->status == 500 || reply->status == 200))
		ret->result_class = class_of_message(message, kit_reply_class_after(ALMONER_UNKNOWN, effect));
	const json_t *values = kit_json_at(ret->body, "values");
	ret->values = json_is_array(values) ? values : NULL;
	if (ret->result_class == ALMONER_OK && ret->values == NULL)
		ret->result_class = kit_reply_class_after(ALMONER_UNKNOWN, effect);
}

void civicrm_reply_free(struct civicrm_reply *r)
{
	json_decref(r->body);
	r->body = NULL;
}
