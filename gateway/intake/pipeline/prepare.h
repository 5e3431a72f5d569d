/* The pipeline: from a request to an accept for the journal, by verifying, parsing, identifying, mapping
 * and routing. `source try` and `event reprocess` run the same pipeline. Pure: no clock, no I/O. Thread:
 * any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_PREPARE_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_PREPARE_H

#include <jansson.h>

#include "gateway/intake/pipeline/request.h"
#include "gateway/intake/rules.h"
#include "saga/journal/intake_port.h"

/* What prepare_event makes: an accept for the journal, and everything that the accept points to. */
struct prepared {
	/* `accept` is the first member: `accept.done` casts its pointer to struct prepared */
	struct accept accept;
	struct rules *rules; /* a reference to the rules, because the plan belongs to them */
	char note[512];      /* why the event is quarantined; "": the event is not quarantined */
	uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES];
};
void prepare_destroy(struct prepared *p); /* accepts NULL */
#define AUTO_PREPARED __attribute__((cleanup(prepare_cleanup)))
void prepare_cleanup(struct prepared **slot);

/* What is known of an event that is already stored; all NULL for a fresh request. */
struct prepare_known {
	/* Not NULL: the request counts as verified, and this is its id. An id of "", or one that
	 * identify_by_digest made of the body, is replaced by the id that the body has under the present
	 * rules. */
	const char *event_id;
	const char *type; /* the type that a header gave when the event came; "": no type */
};

/* 0: *ret is a fresh accept for the journal, perhaps a quarantined one; free it with prepare_destroy.
 * ERR_REFUSED: not verified; answer 401 without a reason. ERR_NOT_FOUND: no such source. `known` may be
 * NULL. `explain`: NULL, or a JSON array to which each stage adds an object {"stage":…,"ok":bool,…}, see
 * explain.h. The objects hold the donor's data, but no secrets. */
int prepare_event(struct rules *rules, const char *source, const struct intake_request *request,
				  const struct prepare_known *known, json_t *explain, struct prepared **ret) MUST_CHECK;

#endif
