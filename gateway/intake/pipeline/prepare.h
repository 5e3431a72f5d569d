/* From a request to what the journal takes: verify, parse, identify, map, route. Pure: no clock, no I/O; also
 * what `source try` and `event reprocess` run. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_PREPARE_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_PREPARE_H

#include <jansson.h>

#include "gateway/intake/pipeline/request.h"
#include "gateway/intake/rules.h"
#include "saga/journal/intake_port.h"

/* Everything an accept points to. Free with free() once event and plan references are dropped:
 * prepare_destroy. */
struct prepared {
	struct accept accept; /* first: `accept.done` gets its address back */
	struct rules *rules;  /* a reference: the plan lives there */
	char note[512];       /* why it is quarantined */
	uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES];
};
void prepare_destroy(struct prepared *p); /* NULL is accepted */
#define AUTO_PREPARED __attribute__((cleanup(prepare_cleanup)))
void prepare_cleanup(struct prepared **slot);

/* What an event that is already stored brings along; all NULL for a fresh request. */
struct prepare_known {
	const char *event_id; /* set: the request is taken as verified, and this is its id; "" and what
						   * identify_by_digest makes of the body give way to the id the body has now */
	const char *type;     /* what a header said at the time; "" for nothing */
};

/* Returns 0 with a fresh `*ret`: to be handed to the journal, quarantined or not. ERR_REFUSED: not verified
 * (answer 401, without a reason). ERR_NOT_FOUND: no such source.
 * `explain`: NULL, or a JSON array to which each stage adds an object {"stage":…,"ok":bool,…}: verify, parse,
 * id, gift, map, event, route, steps. No secrets; it does hold the donor's data. */
int prepare_event(struct rules *rules, const char *source, const struct intake_request *request,
				  const struct prepare_known *known, json_t *explain, struct prepared **ret) MUST_CHECK;

#endif
