#include "connectors/kit/context.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "connectors/kit/json.h"

void kit_context_init(struct kit_context *context, const struct almoner_step *step)
{
	assert(step != NULL && step->key != NULL);
	*context = (struct kit_context){ .step = step };
}

void kit_context_finish(struct kit_context *context)
{
	json_decref(context->event);
	json_decref(context->own);
	json_decref(context->builtins);
	*context = (struct kit_context){ 0 };
}

const char *kit_context_key(const struct almoner_step *step, const char *label, char out[33])
{
	assert(label != NULL);
	step->key(step->key_ctx, label, out);
	out[32] = '\0';
	return out;
}

const char *kit_context_do_key(const struct almoner_step *step, const char *label, char out[33])
{
	assert(label != NULL);
	if (!ALMONER_HAS(step, almoner_step, do_key) || step->do_key == NULL)
		return kit_context_key(step, label, out);
	step->do_key(step->key_ctx, label, out);
	out[32] = '\0';
	return out;
}

/* NULL if a text of the step is not UTF-8, which jansson refuses. */
static json_t *make_builtins(const struct kit_context *context)
{
	const struct almoner_step *step = context->step;
	char key[33], do_key[33];
	kit_context_key(step, "", key);
	kit_context_do_key(step, "", do_key);
	json_t *builtins = json_object();
	json_t *steps = kit_json_parse(step->steps);
	json_t *original AUTO_JSON =
		ALMONER_HAS(step, almoner_step, original) ? kit_json_parse(step->original) : NULL;
	if (builtins == NULL ||
		json_object_set_new(builtins, "saga", json_integer((json_int_t)step->saga)) != 0 ||
		json_object_set_new(builtins, "step",
							json_stringn(step->name.p != NULL ? step->name.p : "", step->name.len)) != 0 ||
		json_object_set_new(builtins, "key", json_string(context->use_do_key ? do_key : key)) != 0 ||
		json_object_set_new(builtins, "do_key", json_string(do_key)) != 0 ||
		json_object_set_new(builtins, "steps", steps != NULL ? steps : json_object()) != 0 ||
		json_object_set(builtins, "event", context->event) != 0 ||
		(original != NULL && json_object_set(builtins, "original", original) != 0)) {
		json_decref(builtins);
		return NULL;
	}
	return builtins;
}

/* `own` that is not JSON counts as unknown: it comes from the target, and the undo can look for the
 * record. */
bool kit_context_load(struct kit_context *context, struct kit_problem *problem)
{
	if (context->builtins != NULL)
		return true;
	if (context->event == NULL)
		context->event = kit_json_parse(context->step->event);
	if (!json_is_object(context->event))
		return kit_problem_set(problem, ALMONER_FAULT, "the event is not a JSON object");
	if (context->own == NULL)
		context->own = kit_json_parse(context->step->own_result);
	context->builtins = make_builtins(context);
	if (context->builtins == NULL)
		return kit_problem_set(problem, ALMONER_FAULT, "the step's name or data is not valid UTF-8 text");
	return true;
}

static bool is_word(const char *path, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(path, word, len) == 0;
}

/* The part of the path before the first dot chooses where the rest is looked up. */
json_t *kit_context_at(struct kit_context *context, const char *path)
{
	assert(context->builtins != NULL);
	static const char *const builtins[] = { "event", "steps", "saga", "step", "key", "do_key" };
	if (*path == '.')
		path++;
	size_t len = strcspn(path, ".");
	if (is_word(path, len, "own"))
		return context->own == NULL ? NULL : kit_json_at(context->own, path + len);
	for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
		if (is_word(path, len, builtins[i]))
			return kit_json_at(context->builtins, path);
	if (is_word(path, len, "original") && json_object_get(context->builtins, "original") != NULL)
		return kit_json_at(context->builtins, path);
	return kit_json_at(context->event, path);
}

void kit_context_set_own(struct kit_context *context, json_t *own)
{
	json_decref(context->own);
	context->own = own;
}

void kit_context_use_do_key(struct kit_context *context, bool use_do_key)
{
	assert(!use_do_key || context->step->purpose == ALMONER_UNDO);
	context->use_do_key = use_do_key;
	json_decref(context->builtins);
	context->builtins = NULL;
}

const char *kit_context_text(struct kit_context *context, const char *path)
{
	const json_t *value = kit_context_at(context, path);
	return json_is_string(value) && json_string_length(value) > 0 ? json_string_value(value) : NULL;
}
