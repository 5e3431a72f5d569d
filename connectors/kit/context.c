#include "connectors/kit/context.h"

#include <stddef.h>
#include <string.h>

#include "connectors/kit/json.h"

void context_init(struct context *context, const struct almoner_step *step)
{
	*context = (struct context){ .step = step };
}

void context_finish(struct context *context)
{
	json_decref(context->event);
	json_decref(context->own);
	json_decref(context->special);
	*context = (struct context){ 0 };
}

const char *context_key(const struct almoner_step *step, const char *label, char out[33])
{
	step->key(step->key_ctx, label, out);
	out[32] = '\0';
	return out;
}

const char *context_do_key(const struct almoner_step *step, const char *label, char out[33])
{
	bool has = step->size >= offsetof(struct almoner_step, do_key) + sizeof step->do_key;
	if (!has || step->do_key == NULL)
		return context_key(step, label, out);
	step->do_key(step->key_ctx, label, out);
	out[32] = '\0';
	return out;
}

static json_t *make_special(const struct context *context)
{
	const struct almoner_step *step = context->step;
	char key[33], do_key[33];
	(void)context_key(step, "", key);
	(void)context_do_key(step, "", do_key);
	json_t *special = json_object();
	json_t *steps = json_parse(step->steps);
	if (special == NULL || json_object_set_new(special, "saga", json_integer((json_int_t)step->saga)) != 0 ||
		json_object_set_new(special, "step",
							json_stringn(step->name.p != NULL ? step->name.p : "", step->name.len)) != 0 ||
		json_object_set_new(special, "key", json_string(context->about_do ? do_key : key)) != 0 ||
		json_object_set_new(special, "do_key", json_string(do_key)) != 0 ||
		json_object_set_new(special, "steps", steps != NULL ? steps : json_object()) != 0 ||
		json_object_set(special, "event", context->event) != 0) {
		json_decref(special);
		return NULL;
	}
	return special;
}

bool context_load(struct context *context, struct problem *problem)
{
	if (context->special != NULL)
		return true;
	if (context->event == NULL)
		context->event = json_parse(context->step->event);
	if (!json_is_object(context->event))
		return problem_set(problem, ALMONER_FAULT, "the event is not a JSON object");
	if (context->own == NULL)
		context->own = json_parse(context->step->own_result);
	context->special = make_special(context);
	if (context->special == NULL)
		return problem_set(problem, ALMONER_FAULT, "the step's name or data is not valid UTF-8 text");
	return true;
}

static bool first_is(const char *path, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(path, word, len) == 0;
}

json_t *context_at(struct context *context, const char *path)
{
	static const char *const special[] = { "event", "steps", "saga", "step", "key", "do_key" };
	if (*path == '.')
		path++;
	size_t len = strcspn(path, ".");
	if (first_is(path, len, "own"))
		return context->own == NULL ? NULL : json_at(context->own, path + len);
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (first_is(path, len, special[i]))
			return json_at(context->special, path);
	return json_at(context->event, path);
}

void context_set_own(struct context *context, json_t *own)
{
	json_decref(context->own);
	context->own = own;
}

void context_ask_about_do(struct context *context, bool about_do)
{
	context->about_do = about_do;
	json_decref(context->special);
	context->special = NULL;
}

const char *context_text(struct context *context, const char *path)
{
	const json_t *value = context_at(context, path);
	return json_is_string(value) && json_string_length(value) > 0 ? json_string_value(value) : NULL;
}
