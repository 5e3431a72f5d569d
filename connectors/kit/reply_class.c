#include "connectors/kit/reply_class.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

/* A range of reply codes, both ends included. */
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

/* The first matching row counts; no row: UNKNOWN. Web applications answer 302 and 303 to a form that they
 * accepted and also to one that they rejected. The other redirects mean that the request was not
 * processed. */
static const struct reply_rule http_rules[] = {
	{ 200, 299, ALMONER_OK },     { 302, 303, ALMONER_UNKNOWN },   { 300, 399, ALMONER_REJECTED },
	{ 401, 401, ALMONER_DENIED }, { 403, 403, ALMONER_FORBIDDEN }, { 407, 407, ALMONER_DENIED },
	{ 408, 408, ALMONER_BUSY },   { 409, 409, ALMONER_EXISTS },    { 412, 412, ALMONER_EXISTS },
	{ 425, 425, ALMONER_BUSY },   { 429, 429, ALMONER_BUSY },      { 400, 499, ALMONER_REJECTED },
};

uint32_t kit_reply_class_after(uint32_t result_class, enum almoner_effect effect)
{
	assert(result_class >= ALMONER_OK && result_class <= ALMONER_PARTIAL);
	bool read_only = effect == ALMONER_READS;
	return read_only && result_class == ALMONER_UNKNOWN ? ALMONER_UNREACHABLE : result_class;
}

/* A 503 with Retry-After says that the target did not process the request; a 503 without it can come from a
 * proxy after the target acted. */
uint32_t kit_reply_class_http(const struct almoner_reply *reply, enum almoner_effect effect)
{
	assert(effect == ALMONER_READS || effect == ALMONER_EFFECTS);
	uint32_t result_class = BY_TABLE(http_rules, reply->status);
	if (reply->status == 503 && reply->retry_after_ms > 0)
		result_class = ALMONER_BUSY;
	if (effect == ALMONER_READS && result_class == ALMONER_EXISTS)
		return ALMONER_REJECTED;
	return kit_reply_class_after(result_class, effect);
}

static const struct reply_rule smtp_rules[] = {
	{ 250, 259, ALMONER_OK },     { 400, 499, ALMONER_BUSY },   { 530, 530, ALMONER_DENIED },
	{ 534, 535, ALMONER_DENIED }, { 538, 538, ALMONER_DENIED }, { 500, 599, ALMONER_REJECTED },
};

uint32_t kit_reply_class_smtp(uint32_t code)
{
	return BY_TABLE(smtp_rules, code);
}
