/* A configuration snapshot prepared for intake: jq programs created, secrets decoded, plans built.
 * Immutable and reference-counted: a request keeps the rules it began with, also across a reload. Thread:
 * any. */
#ifndef ALMONER_GATEWAY_INTAKE_RULES_H
#define ALMONER_GATEWAY_INTAKE_RULES_H

#include "config/config.h"
#include "gateway/expr/expr.h"
#include "gateway/intake/pipeline/verify.h"
#include "saga/model/plan.h"

/* The rule for the lane of an event at a target (option `order`): the first program that gives a text
 * gives the ordering key. */
struct lane_rule {
	bool standard;    /* the lane needs no program: its key is .donor.id, else .donor.email in lower case */
	struct expr **by; /* owned, like all programs below */
	size_t count;
};

struct source_rules {
	const struct config_source *config;
	struct verifier *verifier;
	struct expr *map;
	struct expr *event_id; /* NULL: the map gives the id */
	struct expr *gift;     /* NULL: the map gives the gift */
	/* condition `gift_made`; NULL: the mapped type decides, see gateway/intake/pipeline/identify.h */
	struct expr *gift_made;
	struct expr *related; /* NULL: see gateway/intake/pipeline/identify.h */
	struct expr **dedup;
	size_t dedup_count;
};

struct route_rules {
	const struct config_route *config;
	struct expr *where; /* condition `where`; NULL: the route takes every event of its sources and types */
	struct expr
		*when[CONFIG_STEPS_MAX]; /* conditions of steps without `after`; NULL: the step is always done */
	struct plan *plan;
};

struct rules {
	struct config *config; /* a reference */
	struct source_rules *sources;
	struct route_rules *routes;
	struct lane_rule *lane_rules; /* one for each target */
	/* the plan without steps, for quarantined and unrouted events; a reference */
	struct plan *empty;
	unsigned references; /* atomic */
};

/* Prepares rules and takes a reference on `config`. ERR_INVALID: a secret or a plan is unusable; `err`
 * names the source or route. */
int rules_create(struct config *config, struct rules **ret, struct err *err) MUST_CHECK;
struct rules *rules_ref(struct rules *r);
void rules_unref(struct rules *r); /* accepts NULL */

#endif
