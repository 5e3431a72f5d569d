/* Which saga an event becomes: the first route that takes it, the conditions of the steps that can start
 * at once, and the lane of each step at its target (saga/DESIGN.md "Lanes"). Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_ROUTE_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_ROUTE_H

#include "gateway/intake/rules.h"
#include "saga/model/saga.h"

struct routing {
	const struct route_rules *route; /* NULL: no route takes the event */
	/* bit i: the condition of step i was evaluated, as in struct saga_start */
	uint32_t condition_known;
	uint32_t condition_true;
	uint32_t lane_mask; /* the steps that have a lane */
};

/* `event` is the canonical event. Fills `lanes` for the steps in ret->lane_mask; *ret is unchanged after
 * an error. ERR_INVALID: a program failed; `err` names the route, the step and the program. */
int route_event(const struct rules *rules, struct str source, struct expr_input *event, struct routing *ret,
				uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES], struct err *err) MUST_CHECK;

/* Appends the ordering key of an event at a target to `to`; appends nothing if the event has none. */
int route_lane_key(const struct lane_rule *order, struct expr_input *event, struct buf *to,
				   struct err *err) MUST_CHECK;

#endif
