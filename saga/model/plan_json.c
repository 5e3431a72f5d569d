#include "saga/model/plan_json.h"

#include <jansson.h>

static json_t *after_to_json(const struct plan *p, uint32_t after)
{
	json_t *names = json_array();
	for (unsigned i = 0; i < p->step_count; i++) {
		if ((after >> i & 1) != 0)
			json_array_append_new(names, json_string(p->steps[i].name));
	}
	return names;
}

/* json_string gives NULL for a text that is not UTF-8, and json_object_set_new fails for NULL: `ok` becomes
 * false then. */
static void put_member(json_t *object, const char *key, json_t *value, bool *ok)
{
	if (json_object_set_new(object, key, value) != 0)
		*ok = false;
}

/* Members with their default value are left out, so that a new member does not change the text of old
 * plans. */
static json_t *step_to_json(const struct plan *p, const struct plan_step *st, bool *ok)
{
	json_t *object = json_object();
	put_member(object, "name", json_string(st->name), ok);
	put_member(object, "target", json_string(st->target), ok);
	if (st->after != 0)
		put_member(object, "after", after_to_json(p, st->after), ok);
	if (st->when != NULL)
		put_member(object, "when", json_string(st->when), ok);
	if (st->expire_ms != 0)
		put_member(object, "expire_ms", json_integer(st->expire_ms), ok);
	if (st->undo_none)
		put_member(object, "undo", json_string("none"), ok);
	return object;
}

char *plan_json_text(const struct plan *p)
{
	bool ok = true;
	json_t *steps = json_array();
	for (unsigned i = 0; i < p->step_count; i++)
		json_array_append_new(steps, step_to_json(p, &p->steps[i], &ok));
	json_t *root = json_object();
	put_member(root, "route", json_string(p->route), &ok);
	put_member(root, "policy", json_string(name_of_policy(p->policy)), &ok);
	put_member(root, "steps", steps, &ok);
	char *text = ok ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(root);
	return text;
}
