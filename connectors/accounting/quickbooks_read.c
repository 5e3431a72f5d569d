/* What a reply of QuickBooks means. */
#include <stdlib.h>
#include <string.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/json.h"
#include "connectors/kit/reply_class.h"

struct quickbooks_fault_rule {
	unsigned code;
	uint32_t result_class;
};

/* The class of each known code in a Fault, from the vendor's list of error codes. For a code that is not
 * listed, the type of the Fault decides. */
static const struct quickbooks_fault_rule rules[] = {
	{ 120, ALMONER_DENIED },
	{ 3200, ALMONER_DENIED },
	{ 3100, ALMONER_FORBIDDEN },
	{ 3001, ALMONER_BUSY },
	{ 610, ALMONER_REJECTED },
	{ 2020, ALMONER_REJECTED },
	{ 2170, ALMONER_REJECTED },
	{ 2500, ALMONER_REJECTED },
	{ QB_CODE_STALE, ALMONER_BUSY },
	{ 6000, ALMONER_REJECTED },
	{ QB_CODE_NUMBER_EXISTS, ALMONER_EXISTS },
	{ 6190, ALMONER_REJECTED },
	{ 6210, ALMONER_REJECTED },
	{ QB_CODE_NAME_EXISTS, ALMONER_EXISTS },
	{ 6540, ALMONER_REJECTED },
	{ 10000, ALMONER_UNKNOWN },
};

static uint32_t class_of_fault(unsigned code, const char *type)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].code == code)
			return rules[i].result_class;
	if (type != NULL && strcasecmp(type, "AUTHENTICATION") == 0)
		return ALMONER_DENIED;
	if (type != NULL && strcasecmp(type, "ValidationFault") == 0)
		return ALMONER_REJECTED;
	return ALMONER_UNKNOWN;
}

/* The first error of a Fault, and the type of the Fault. The API writes "Fault"; the gateway in front of the
 * API writes "fault". NULL if there is neither. */
static const json_t *first_error(const json_t *body, const char **ret_type)
{
	const json_t *upper = kit_json_at(body, "Fault");
	const json_t *fault = upper != NULL ? upper : kit_json_at(body, "fault");
	const json_t *error = kit_json_at(fault, upper != NULL ? "Error.0" : "error.0");
	*ret_type = json_string_value(json_object_get(fault, "type"));
	return error != NULL ? error : fault;
}

/* The text of a member whose name has two spellings. */
static const char *error_text(const json_t *error, const char *upper, const char *lower)
{
	const char *text = kit_json_text_at(error, upper);
	return text != NULL ? text : kit_json_text_at(error, lower);
}

/* The message is "CODE MESSAGE: DETAIL". The code may be text with zeros in front: "003001" is 3001. */
static void read_fault(struct quickbooks_reply *r, const json_t *error)
{
	struct kit_text code AUTO_TEXT = { 0 };
	kit_json_scalar(&code, kit_json_at(error, "code"));
	const char *message = error_text(error, "Message", "message");
	const char *detail = error_text(error, "Detail", "detail");
	r->code = (unsigned)strtoul(kit_text_view(&code).p, NULL, 10);
	bool both = message != NULL && detail != NULL && strcmp(message, detail) != 0;
	const char *single = message != NULL ? message : detail;
	snprintf(r->message, sizeof r->message, "%s%s%s%s%s", code.len > 0 ? code.p : "", code.len > 0 ? " " : "",
			 single != NULL ? single : "", both ? ": " : "", both ? detail : "");
}

/* True for a status whose class counts more than the Fault in the body. */
static bool status_decides(uint32_t status)
{
	return status == 401 || status == 403 || status == 408 || status == 429 || status >= 500 ||
		   status < 200 || (status >= 300 && status < 400);
}

/* A 200 may contain a Fault, and a 200 that is not JSON is no reply of the API. */
void quickbooks_read(const struct almoner_reply *reply, enum almoner_effect effect,
					 struct quickbooks_reply *ret)
{
	const char *type = NULL;
	*ret = (struct quickbooks_reply){ .body = reply->truncated == 0 ? kit_json_parse(reply->body) : NULL };
	const json_t *error = first_error(ret->body, &type);
	ret->result_class = kit_reply_class_http(reply, effect);
	if (error != NULL)
		read_fault(ret, error);
	if (error != NULL && !status_decides(reply->status))
		ret->result_class = kit_reply_class_after(class_of_fault(ret->code, type), effect);
	else if (ret->result_class == ALMONER_OK && !json_is_object(ret->body))
		ret->result_class = kit_reply_class_after(ALMONER_UNKNOWN, effect);
}

void quickbooks_reply_free(struct quickbooks_reply *r)
{
	json_decref(r->body);
	r->body = NULL;
}
