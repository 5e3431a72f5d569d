/* Which saga an event becomes: the first route that takes it, the verdicts of its first steps, and the line
 * each step stands in at its target. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_ROUTE_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_ROUTE_H

#include "gateway/intake/rules.h"
#include "saga/model/saga.h"

struct routing {
	const struct route_rules *route; /* NULL: none takes it */
	uint32_t condition_known;        /* as in struct saga_start */
	uint32_t condition_true;
	uint32_t lane_mask;
};

/* `event` is the canonical event. Fills lanes of the steps in lane_mask. ERR_INVALID: a program failed; the
 * text names route, step and program. */
int route_event(const struct rules *rules, struct str source, struct expr_input *event, struct routing *ret,
				uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES], struct err *err) MUST_CHECK;

/* The ordering key of an event at a target, as a text; nothing is added when it has none. */
int route_lane_key(const struct lane_rule *order, struct expr_input *event, struct buf *to,
				   struct err *err) MUST_CHECK;

#endif
