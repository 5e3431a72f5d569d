/* The pinned definition of a saga: steps, order, policy. Identified by the digest of its JSON text, stored
 * once, shared by all sagas made from it. Immutable and reference-counted (thread: any). */
#ifndef ALMONER_MODEL_PLAN_H
#define ALMONER_MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/model/state.h"

#define PLAN_STEPS_MAX 32

struct plan_step {
	char *name;
	char *target;
	uint32_t after;    /* bit i: comes after step i; never a bit of itself or of a cycle */
	char *when;        /* jq program, NULL: always */
	int64_t expire_ms; /* after acceptance; 0: never */
	bool undo_none;    /* marked "undo": "none" */
};

struct plan {
	uint8_t digest[32]; /* SHA-256 of json */
	char *route;        /* name of the route it came from; "" for sagas without steps */
	enum policy policy;
	unsigned step_count; /* 0 for unrouted and quarantined */
	struct plan_step steps[PLAN_STEPS_MAX];
	char *json; /* canonical text: {"route":…,"policy":…,"steps":[…]} with sorted keys */
};

/* Checks (names unique, `after` in range and acyclic, at most PLAN_STEPS_MAX), copies, computes json and
 * digest. `draft` needs only route, policy, step_count and steps. */
int plan_create(const struct plan *draft, struct plan **ret, struct err *err) MUST_CHECK;
int plan_parse(struct str json, struct plan **ret, struct err *err) MUST_CHECK;
/* The plan without steps, for unrouted, quarantined and gift_missing. */
struct plan *plan_empty(void);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p);
/* Index of a step, -1 when there is none. */
int plan_find_step(const struct plan *p, const char *name);

#endif
