#include "connectors/kit/reply_class.h"

#include <stddef.h>

struct reply_rule {
	uint32_t from, to;
	uint32_t result_class;
};

static uint32_t by_table(const struct reply_rule *rules, size_t count, uint32_t status)
{
	for (size_t i = 0; i < count; i++)
		if (status >= rules[i].from && status <= rules[i].to)
			return rules[i].result_class;
	return ALMONER_UNKNOWN;
}

#define BY_TABLE(rules, status) by_table(rules, sizeof(rules) / sizeof *(rules), status)

/* First match counts. 302 and 303 are how web applications answer a form that was taken as well as one that
 * was not; the other redirects say that the request was not looked at. */
static const struct reply_rule http_rules[] = {
	{ 200, 299, ALMONER_OK },     { 302, 303, ALMONER_UNKNOWN },   { 300, 399, ALMONER_REJECTED },
	{ 401, 401, ALMONER_DENIED }, { 403, 403, ALMONER_FORBIDDEN }, { 407, 407, ALMONER_DENIED },
	{ 408, 408, ALMONER_BUSY },   { 409, 409, ALMONER_EXISTS },    { 412, 412, ALMONER_EXISTS },
	{ 425, 425, ALMONER_BUSY },   { 429, 429, ALMONER_BUSY },      { 400, 499, ALMONER_REJECTED },
};

static uint32_t class_of_read(uint32_t result_class)
{
	if (result_class == ALMONER_UNKNOWN)
		return ALMONER_UNREACHABLE;
	return result_class == ALMONER_EXISTS ? ALMONER_REJECTED : result_class;
}

uint32_t kit_reply_class_http(const struct almoner_reply *reply, enum almoner_effect effect)
{
	uint32_t result_class = BY_TABLE(http_rules, reply->status);
	if (reply->status == 503 && reply->retry_after_ms > 0)
		result_class = ALMONER_BUSY;
	return effect == ALMONER_READS ? class_of_read(result_class) : result_class;
}

static const struct reply_rule smtp_rules[] = {
	{ 250, 259, ALMONER_OK },     { 400, 499, ALMONER_BUSY },   { 530, 530, ALMONER_DENIED },
	{ 534, 535, ALMONER_DENIED }, { 538, 538, ALMONER_DENIED }, { 500, 599, ALMONER_REJECTED },
};

uint32_t kit_reply_class_smtp(uint32_t code)
{
	return BY_TABLE(smtp_rules, code);
}
