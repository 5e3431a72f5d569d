/* A configuration snapshot made ready for intake: programs taken apart, secrets decoded, plans built.
 * Immutable and reference-counted; requests under way keep theirs across a reload. */
#ifndef ALMONER_INTAKE_RULES_H
#define ALMONER_INTAKE_RULES_H

#include "config/config.h"
#include "gateway/expr/expr.h"
#include "gateway/intake/pipeline/verify.h"
#include "saga/model/plan.h"

/* Which line an event stands in at a target: the first program that gives a text. */
struct lane_rule {
	bool standard; /* .donor.id, else .donor.email in lower case */
	struct expr **by;
	size_t count;
};

struct source_rules {
	const struct config_source *config;
	struct verifier *verifier;
	struct expr *map;
	struct expr *event_id;  /* NULL: as the map says */
	struct expr *gift;      /* NULL: as the map says */
	struct expr *gift_made; /* NULL: every event */
	struct expr *related;   /* NULL: see gateway/intake/pipeline/identify.h */
	struct expr **dedup;
	size_t dedup_count;
};

struct route_rules {
	const struct config_route *config;
	struct expr *where;                  /* NULL: always */
	struct expr *when[CONFIG_STEPS_MAX]; /* only of steps without `after`; NULL: always */
	struct plan *plan;
};

struct rules {
	struct config *config; /* a reference */
	struct source_rules *sources;
	struct route_rules *routes;
	struct lane_rule *lane_rules; /* one per target */
	struct plan *empty;
	unsigned references;
};

/* Takes its own reference on `config`. ERR_INVALID names the source or route. */
int rules_create(struct config *config, struct rules **ret, struct err *err) MUST_CHECK;
struct rules *rules_ref(struct rules *r);
void rules_unref(struct rules *r); /* NULL is accepted */

#endif
