/* Reads the stored text of a plan. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "saga/model/plan.h"

static void json_cleanup(json_t **slot)
{
	json_decref(*slot);
}
#define AUTO_JSON __attribute__((cleanup(json_cleanup)))

/* The texts of a draft belong to the parsed JSON tree; plan_create copies them. */
static char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return (char *)(uintptr_t)text;
}

/* An unknown member is an error, because it could be a rule that this version does not follow. */
static int check_keys(json_t *object, const char *const *known, const char *where, struct err *err)
{
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		size_t i = 0;
		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL)
			return err_set(err, ERR_INVALID, "stored plan: %s has an unknown member \"%s\"", where, key);
	}
	return 0;
}

static int after_from_json(const struct plan *draft, json_t *names, uint32_t *ret, struct err *err)
{
	uint32_t after = 0;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		int index = name != NULL ? plan_find_step(draft, name) : -1;
		if (index < 0)
			return err_set(err, ERR_INVALID,
						   "stored plan: \"after\" names a step that the plan does not have: %s",
						   name != NULL ? name : "?");
		after |= UINT32_C(1) << (unsigned)index;
	}
	*ret = after;
	return 0;
}

/* Fills in everything but `after`, whose names can be those of later steps. */
static int step_from_json(json_t *object, struct plan_step *st, struct err *err)
{
	static const char *const known[] = { "after", "expire_ms", "name", "target", "undo", "when", NULL };
	int rc = check_keys(object, known, "a step", err);
	if (rc != 0)
		return rc;
	const char *undo = text_of(object, "undo");
	json_t *expire = json_object_get(object, "expire_ms");
	if ((undo != NULL && strcmp(undo, "none") != 0) || (expire != NULL && !json_is_integer(expire)))
		return err_set(err, ERR_INVALID, "stored plan: a step has a bad \"undo\" or \"expire_ms\"");
	*st = (struct plan_step){ .name = text_of(object, "name"),
							  .target = text_of(object, "target"),
							  .when = text_of(object, "when"),
							  .expire_ms = json_integer_value(expire),
							  .undo_none = undo != NULL };
	return 0;
}

/* Reads first all steps and then their `after`, which can name later steps. */
static int steps_from_json(json_t *steps, struct plan *draft, struct err *err)
{
	if (!json_is_array(steps) || json_array_size(steps) > PLAN_STEPS_MAX)
		return err_set(err, ERR_INVALID, "stored plan: \"steps\" is not a list of at most %d",
					   PLAN_STEPS_MAX);
	draft->step_count = (unsigned)json_array_size(steps);
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < draft->step_count; i++)
		rc = step_from_json(json_array_get(steps, i), &draft->steps[i], err);
	for (unsigned i = 0; rc == 0 && i < draft->step_count; i++) {
		json_t *after = json_object_get(json_array_get(steps, i), "after");
		rc = after_from_json(draft, after, &draft->steps[i].after, err);
	}
	return rc;
}

/* The text comes from the store; plan_create checks the draft again, because the store may be damaged. */
int plan_parse(struct str json, struct plan **ret, struct err *err)
{
	static const char *const known[] = { "policy", "route", "steps", NULL };
	assert(json.p != NULL || json.len == 0);
	json_error_t fault;
	json_t *root AUTO_JSON = json_loadb(json.p, json.len, JSON_REJECT_DUPLICATES, &fault);
	if (!json_is_object(root))
		return err_set(err, ERR_INVALID, "stored plan: not a JSON object");
	int policy = name_to_policy(text_of(root, "policy"));
	struct plan draft = { .route = text_of(root, "route") };
	if (policy < 0 || draft.route == NULL)
		return err_set(err, ERR_INVALID, "stored plan: no \"route\", or no known \"policy\"");
	draft.policy = (enum policy)policy;
	int rc = check_keys(root, known, "the plan", err);
	if (rc == 0)
		rc = steps_from_json(json_object_get(root, "steps"), &draft, err);
	return rc == 0 ? plan_create(&draft, ret, err) : rc;
}
