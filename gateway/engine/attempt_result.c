#include "gateway/engine/attempt_result.h"

#include <jansson.h>
#include <string.h>

#include "saga/base/mem.h"

const char *attempt_result_check_action(const struct attempt *a)
{
	const struct almoner_action *action = &a->action;
	if (action->kind != ALMONER_SEND_HTTP && action->kind != ALMONER_SEND_MAIL)
		return "the connector asked for an action that this gateway does not know";
	if (action->effect != ALMONER_READS && action->effect != ALMONER_EFFECTS)
		return "the connector did not declare whether its exchange reads or has effects";
	if (action->effect == ALMONER_EFFECTS && a->step.purpose == ALMONER_LOOKUP)
		return "the connector asked for an exchange with effects in a look-up";
	if (action->checkpoint.p != NULL && action->checkpoint.len > ATTEMPT_CHECKPOINT_MAX)
		return "the connector's checkpoint is longer than 4 KiB";
	return NULL;
}

enum outcome_class attempt_result_lost_class(const struct attempt *a, bool maybe_effect)
{
	bool effects = a->action.effect == ALMONER_EFFECTS;
	return (effects && maybe_effect) || a->effect_uncheckpointed ? OUTCOME_UNKNOWN : OUTCOME_UNREACHABLE;
}

static size_t cut_between_characters(const char *p, size_t len)
{
	while (len > 0 && ((uint8_t)p[len] & 0xC0) == 0x80)
		len--;
	return len;
}

void attempt_result_set_detail(struct attempt *a, struct str text)
{
	size_t len = text.len;
	if (len > ATTEMPT_DETAIL_BYTES)
		len = cut_between_characters(text.p, ATTEMPT_DETAIL_BYTES);
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text.p[i];
		a->detail[i] = c < 0x20 || c == 0x7F ? ' ' : (char)c;
	}
	a->detail[len] = '\0';
}

static const struct {
	enum outcome_class outcome;
	bool lookup_only;
} classes[] = {
	[ALMONER_OK] = { OUTCOME_OK, false },
	[ALMONER_UNREACHABLE] = { OUTCOME_UNREACHABLE, false },
	[ALMONER_BUSY] = { OUTCOME_BUSY, false },
	[ALMONER_UNKNOWN] = { OUTCOME_UNKNOWN, false },
	[ALMONER_EXISTS] = { OUTCOME_EXISTS, false },
	[ALMONER_REJECTED] = { OUTCOME_REJECTED, false },
	[ALMONER_DENIED] = { OUTCOME_DENIED, false },
	[ALMONER_FAULT] = { OUTCOME_FAULT, false },
	[ALMONER_ABSENT] = { OUTCOME_ABSENT, true },
	/* target_health.c decides whether it means rejected or denied */
	[ALMONER_FORBIDDEN] = { OUTCOME_REJECTED, false },
	[ALMONER_PARTIAL] = { OUTCOME_PARTIAL, true },
};

static void fault(struct attempt *a, const char *text)
{
	a->outcome.result = OUTCOME_FAULT;
	attempt_result_set_detail(a, str_of(text));
}

static bool is_object(struct almoner_text text)
{
	json_t *value = json_loadb(text.p, text.len, 0, NULL);
	bool object = json_is_object(value);
	json_decref(value);
	return object;
}

/* The outcome's class stays as it is: the target accepted the step, even if the connector's result is
 * unusable. */
static void drop_result(struct attempt *a, const char *why)
{
	char *text AUTO_FREE = mem_printf("the connector's result %s and was dropped%s%s", why,
									  a->detail[0] != '\0' ? "; " : "", a->detail);
	attempt_result_set_detail(a, str_of(text));
}

static void read_result(struct attempt *a, struct almoner_text result)
{
	if (result.p == NULL || result.len == 0)
		return;
	if (result.len > ATTEMPT_RESULT_BYTES)
		drop_result(a, "is longer than 64 KiB");
	else if (!is_object(result))
		drop_result(a, "is no JSON object");
	else
		a->result = mem_strndup(result.p, result.len);
}

/* The log keeps the code beyond the donor's data, in its chain of digests, so it is kept to what a code can
 * be. A connector that gives more than that is not at fault at this target: the rest is cut off. */
static void read_code(struct attempt *a, struct almoner_text code)
{
	size_t len = code.p == NULL ? 0 : code.len < ATTEMPT_CODE_BYTES ? code.len : ATTEMPT_CODE_BYTES;
	for (size_t i = 0; i < len; i++)
		a->code[i] = code.p[i] > ' ' && code.p[i] <= '~' ? code.p[i] : '_';
	a->code[len] = '\0';
}

/* The longer of the connector's wish and the reply's Retry-After header; the header counts only for BUSY. */
static int64_t retry_after_of(const struct attempt *a, const struct almoner_done *done)
{
	int64_t asked = done->retry_after_ms > 0 ? done->retry_after_ms : 0;
	bool use_header = done->result_class == ALMONER_BUSY && a->reply_retry_ms > asked;
	return use_header ? a->reply_retry_ms : asked;
}

/* The class is checked before it is used as an index: it comes from the plugin. */
void attempt_result_read(struct attempt *a)
{
	const struct almoner_done *done = &a->action.done;
	size_t class = done->result_class;
	a->outcome.status = done->status != 0 ? done->status : a->reply_status;
	a->outcome.retry_after_ms = retry_after_of(a, done);
	a->rate = done->rate;
	attempt_result_set_detail(a,
							  (struct str){ done->detail.p, done->detail.p != NULL ? done->detail.len : 0 });
	if (class == 0 || class >= sizeof classes / sizeof *classes) {
		fault(a, "the connector finished with an outcome class that this gateway does not know");
		return;
	}
	if (classes[class].lookup_only && a->step.purpose != ALMONER_LOOKUP) {
		fault(a, "the connector finished with ABSENT or PARTIAL, which are allowed only in a look-up");
		return;
	}
	a->outcome.result = classes[class].outcome;
	a->forbidden = class == ALMONER_FORBIDDEN;
	read_result(a, done->result);
	read_code(a, done->code);
}
