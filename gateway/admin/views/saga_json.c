#include "gateway/admin/views/saga_json.h"

#include <assert.h>

#include "gateway/admin/json.h"
#include "saga/model/key.h"

static json_t *result_json(const char *result)
{
	json_t *value = result != NULL ? json_loads(result, JSON_DECODE_ANY, NULL) : NULL;
	return value != NULL ? value : json_null();
}

static const char *step_reason(const struct step *st)
{
	if (st->state == STEP_ATTENTION)
		return name_of_reason(st->reason);
	return st->state == STEP_SKIPPED ? name_of_skip(st->skip) : "";
}

/* `key` is the idempotency key that the target has seen, so that operators can search for it there. */
static json_t *step_json(const struct saga *s, unsigned i)
{
	const struct step *st = &s->steps[i];
	const struct plan_step *planned = &s->plan->steps[i];
	char key[KEY_TEXT_BYTES];
	key_derive(s->source, s->event_id, planned->name, st->direction, st->generation, "", key);
	json_t *step = json_object();
	json_object_set_new(step, "name", admin_json_text(planned->name));
	json_object_set_new(step, "target", admin_json_text(planned->target));
	json_object_set_new(step, "state", json_string(name_of_step_state(st->state)));
	json_object_set_new(step, "reason", admin_json_text(step_reason(st)));
	json_object_set_new(step, "why", admin_json_text(name_of_why(st->why)));
	json_object_set_new(step, "direction", json_string(name_of_direction(st->direction)));
	json_object_set_new(step, "generation", json_integer(st->generation));
	json_object_set_new(step, "attempts", json_integer(st->attempts));
	json_object_set_new(step, "next_at", admin_json_time(st->state == STEP_RETRY_WAIT ? st->due_ms : 0));
	json_object_set_new(step, "last_at", admin_json_time(st->last_ms));
	json_object_set_new(step, "outcome", admin_json_text(name_of_outcome(st->last)));
	json_object_set_new(step, "detail", admin_json_text(st->detail));
	json_object_set_new(step, "result", result_json(st->result));
	json_object_set_new(step, "key", json_string(key));
	return step;
}

json_t *saga_json(const struct saga *s)
{
	assert(s->plan != NULL);
	json_t *saga = json_object();
	json_object_set_new(saga, "id", json_integer(s->id));
	json_object_set_new(saga, "state", json_string(name_of_saga_state(s->state)));
	json_object_set_new(saga, "reason",
						admin_json_text(s->state == SAGA_ATTENTION ? name_of_reason(s->reason) : NULL));
	json_object_set_new(saga, "source", admin_json_text(s->source));
	json_object_set_new(saga, "event_id", admin_json_text(s->event_id));
	json_object_set_new(saga, "type", admin_json_text(s->type));
	json_object_set_new(saga, "gift", admin_json_text(s->gift));
	json_object_set_new(saga, "key", admin_json_text(s->donor));
	json_object_set_new(saga, "created_at", admin_json_time(s->created_ms));
	json_object_set_new(saga, "finished_at", admin_json_time(s->finished_ms));
	json_object_set_new(saga, "route", admin_json_text(s->plan->route));
	json_object_set_new(saga, "policy", json_string(name_of_policy(s->plan->policy)));
	json_object_set_new(saga, "note", admin_json_text(s->note));
	json_object_set_new(saga, "paused", json_boolean(s->paused));
	json_t *steps = json_array();
	for (unsigned i = 0; i < s->step_count; i++)
		json_array_append_new(steps, step_json(s, i));
	json_object_set_new(saga, "steps", steps);
	return saga;
}
