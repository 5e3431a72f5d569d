#include "gateway/intake/pipeline/route.h"

#include <ctype.h>
#include <string.h>

#include "gateway/intake/pipeline/canonical.h"
#include "saga/base/digest.h"

/* ---- lanes ---- */

/* The ordering key of a target without the option `order.by`: the donor's id, else the e-mail in lower
 * case, so that "Ada@x.org" and "ada@x.org" share a lane. */
static void standard_lane_key(const json_t *event, struct buf *to)
{
	const json_t *donor = json_object_get(event, "donor");
	const char *id = canonical_text(donor, "id");
	const char *email = canonical_text(donor, "email");
	if (id != NULL) {
		buf_text(to, id);
		return;
	}
	for (const char *c = email; c != NULL && *c != '\0'; c++)
		buf_byte(to, (uint8_t)tolower((unsigned char)*c));
}

int route_lane_key(const struct lane_rule *order, struct expr_input *event, struct buf *to, struct err *err)
{
	if (order->standard) {
		standard_lane_key(event->root, to);
		return 0;
	}
	for (size_t i = 0; i < order->count && to->len == 0; i++) {
		bool present = false;
		int rc = expr_eval_text(order->by[i], event, to, &present, err);
		if (rc != 0)
			return err_wrap(err, ERR_INVALID, "order.by \"%.60s\"", expr_text(order->by[i]));
	}
	return 0;
}

/* A lane is a digest of the ordering key, so that all lanes have the same length. */
static int step_lane(const struct rules *rules, const struct config_step *step, struct expr_input *event,
					 uint8_t lane[LANE_BYTES], bool *ret_has, struct err *err)
{
	AUTO_BUF struct buf key = { 0 };
	int rc = route_lane_key(&rules->lane_rules[step->target], event, &key, err);
	if (rc != 0)
		return err_wrap(err, rc, "target %s", rules->config->targets[step->target].name);
	*ret_has = key.len > 0;
	if (key.len > 0) {
		uint8_t digest[DIGEST_BYTES];
		digest_bytes(key.data, key.len, digest);
		memcpy(lane, digest, LANE_BYTES);
	}
	return 0;
}

/* An earlier step of the route whose lane is computed by the same rule; -1: none. Most routes order all
 * targets by the donor, so that each rule is computed once. */
static int same_lane_rule_before(const struct rules *rules, const struct config_route *route, size_t step)
{
	const struct lane_rule *rule = &rules->lane_rules[route->steps[step].target];
	for (size_t i = 0; i < step; i++) {
		const struct lane_rule *other = &rules->lane_rules[route->steps[i].target];
		if (other == rule || (rule->standard && other->standard))
			return (int)i;
	}
	return -1;
}

/* Computes the lanes of all steps. A step without an ordering key has no lane and waits for no other
 * event's step. */
static int set_lanes(const struct rules *rules, const struct config_route *route, struct expr_input *event,
					 struct routing *to, uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES], struct err *err)
{
	for (size_t i = 0; i < route->step_count; i++) {
		int before = same_lane_rule_before(rules, route, i);
		bool has = before >= 0 && (to->lane_mask >> before & 1u) != 0;
		if (before >= 0) {
			memcpy(lanes[i], lanes[before], LANE_BYTES);
		} else {
			int rc = step_lane(rules, &route->steps[i], event, lanes[i], &has, err);
			if (rc != 0)
				return rc;
		}
		to->lane_mask |= (uint32_t)has << i;
	}
	return 0;
}

/* ---- conditions ---- */

/* Evaluates the conditions of steps without `after`. The engine evaluates the others when the steps before
 * them have ended. */
static int set_conditions(const struct route_rules *route, struct expr_input *event, struct routing *to,
						  struct err *err)
{
	for (size_t i = 0; i < route->config->step_count; i++) {
		bool yes = false;
		if (route->when[i] == NULL)
			continue;
		int rc = expr_eval_bool(route->when[i], event, &yes, err);
		if (rc != 0)
			return err_wrap(err, ERR_INVALID, "route %s, when of step %s", route->config->name,
							route->config->steps[i].name);
		to->condition_known |= 1u << i;
		to->condition_true |= (uint32_t)yes << i;
	}
	return 0;
}

/* Routes are tried in the order of the configuration. *ret NULL: no route takes the event. */
static int find_route(const struct rules *rules, struct str source, struct expr_input *event,
					  const struct route_rules **ret, struct err *err)
{
	struct str type = str_of(canonical_text(event->root, "type"));
	for (size_t i = 0; i < rules->config->route_count; i++) {
		const struct route_rules *route = &rules->routes[i];
		bool takes = config_route_takes(route->config, source, type);
		int rc = takes && route->where != NULL ? expr_eval_bool(route->where, event, &takes, err) : 0;
		if (rc != 0)
			return err_wrap(err, ERR_INVALID, "route %s, where", route->config->name);
		if (takes) {
			*ret = route;
			return 0;
		}
	}
	*ret = NULL;
	return 0;
}

int route_event(const struct rules *rules, struct str source, struct expr_input *event, struct routing *ret,
				uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES], struct err *err)
{
	struct routing to = { 0 };
	int rc = find_route(rules, source, event, &to.route, err);
	if (rc == 0 && to.route != NULL)
		rc = set_conditions(to.route, event, &to, err);
	if (rc == 0 && to.route != NULL)
		rc = set_lanes(rules, to.route->config, event, &to, lanes, err);
	if (rc == 0)
		*ret = to;
	return rc;
}
