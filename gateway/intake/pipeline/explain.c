#include "gateway/intake/pipeline/explain.h"

#include "saga/base/hex.h"

/* Appends {"stage":…,"ok":…,"detail":…} to the array `to` and returns that object, borrowed, for more
 * members. */
static json_t *stage(json_t *to, const char *name, const char *fault)
{
	json_t *made = json_object();
	json_object_set_new(made, "stage", json_string(name));
	json_object_set_new(made, "ok", json_boolean(fault == NULL));
	if (fault != NULL)
		json_object_set_new(made, "detail", json_string(fault));
	json_array_append_new(to, made);
	return made;
}

static void put(json_t *object, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		json_object_set_new(object, name, json_string(value));
}

void explain_verify(json_t *to, const struct config_verify *config, enum verify_verdict verdict)
{
	if (to == NULL)
		return;
	json_t *made = stage(to, "verify", verdict == VERIFY_OK ? NULL : verify_verdict_text(verdict));
	put(made, "scheme", config_verify_scheme_name(config->scheme));
	put(made, "header", config->scheme == VERIFY_TOKEN ? config->token_header : config->header);
}

void explain_parse(json_t *to, const struct body *body, const char *fault)
{
	if (to == NULL)
		return;
	json_t *made = stage(to, "parse", fault);
	if (fault == NULL)
		json_object_set_new(made, "numbers_as_texts", json_boolean(body->altered));
}

void explain_identity(json_t *to, const struct identity *identity, const char *fault)
{
	if (to == NULL)
		return;
	json_t *made = stage(to, "identify", fault);
	put(made, "event_id", identity->id.data);
	put(made, "gift", identity->gift.data);
	put(made, "type", identity->type.data);
	put(made, "kind", identify_kind_name(identity->kind));
}

void explain_map(json_t *to, json_t *event, const struct identity *identity, const char *fault)
{
	if (to == NULL)
		return;
	json_t *made = stage(to, "map", fault);
	if (event == NULL)
		return;
	json_object_set(made, "event", event);
	put(made, "event_id", identity->id.data);
	put(made, "gift", identity->gift.data);
	put(made, "kind", identify_kind_name(identity->kind));
}

/* Describes one step of the route, with the ordering key that its lane is computed from. */
static json_t *explain_step(const struct rules *rules, const struct routing *routing, size_t index,
							struct expr_input *event)
{
	const struct config_step *step = &routing->route->config->steps[index];
	json_t *made = json_object();
	put(made, "name", step->name);
	put(made, "target", rules->config->targets[step->target].name);
	json_t *after = json_array();
	for (size_t i = 0; i < routing->route->config->step_count; i++) {
		if ((step->after >> i & 1u) != 0)
			json_array_append_new(after, json_string(routing->route->config->steps[i].name));
	}
	json_object_set_new(made, "after", after);
	put(made, "when", step->when);
	if ((routing->condition_known >> index & 1u) != 0)
		json_object_set_new(made, "when_true", json_boolean((routing->condition_true >> index & 1u) != 0));
	AUTO_BUF struct buf key = { 0 };
	if (route_lane_key(&rules->lane_rules[step->target], event, &key, NULL) == 0)
		put(made, "order_key", key.data);
	return made;
}

/* Writes the stage "route". Its member `route` is null if no route takes the event or the stage failed. */
void explain_route(json_t *to, const struct rules *rules, const struct routing *routing,
				   struct expr_input *event, const char *fault)
{
	if (to == NULL)
		return;
	json_t *made = stage(to, "route", fault);
	const struct route_rules *route = fault == NULL ? routing->route : NULL;
	json_object_set_new(made, "route", route != NULL ? json_string(route->config->name) : json_null());
	if (route == NULL)
		return;
	json_t *steps = json_array();
	for (size_t i = 0; i < route->config->step_count; i++)
		json_array_append_new(steps, explain_step(rules, routing, i, event));
	json_object_set_new(made, "steps", steps);
}

/* Writes the stage "result": what the event becomes (saga, related, unrouted or quarantined) and its keys. */
void explain_result(json_t *to, const struct accept *accept, const char *note)
{
	if (to == NULL)
		return;
	const char *becomes = accept->kind == ACCEPT_RELATED ? "related"
						  : accept->start.unrouted       ? "unrouted"
						  : note[0] != '\0'              ? "quarantined"
														 : "saga";
	json_t *made = stage(to, "result", note[0] != '\0' ? note : NULL);
	put(made, "becomes", becomes);
	put(made, "event_id", accept->event->f.event_id.p);
	put(made, "type", accept->event->f.type.p);
	put(made, "gift", accept->event->f.gift.p);
	char hex[2 * STORE_KEY_BYTES + 1];
	hex_encode(accept->dedup, STORE_KEY_BYTES, hex);
	put(made, "dedup_key", hex);
}
