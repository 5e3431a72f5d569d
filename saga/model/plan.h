/* A plan: the steps of a saga, their order and the failure policy, as the route had them when the event was
 * accepted. A later change of the configuration does not change the plan of a saga: saga/DESIGN.md
 * "Pinned and current". The digest of its JSON text identifies a plan; the store keeps each plan once for all
 * sagas made from it. Immutable after plan_create and reference-counted; thread: any. */
#ifndef ALMONER_MODEL_PLAN_H
#define ALMONER_MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/model/state.h"

/* The bits of a uint32_t: sets of steps are bit masks. */
#define PLAN_STEPS_MAX 32

struct plan_step {
	char *name;        /* unique in the plan */
	char *target;      /* name of a configured target; the configuration may lack it later */
	uint32_t after;    /* bit i: this step starts only after step i; the bits form no cycle */
	char *when;        /* condition, a jq program; NULL: the step is always done */
	int64_t expire_ms; /* the do is not started this long after acceptance; 0: no limit */
	bool undo_none;    /* the route says "undo": "none": compensation leaves its effect */
};

struct plan {
	uint8_t digest[32]; /* SHA-256 of json */
	char *route;        /* name of the route; "" for the plan without steps */
	enum policy policy;
	unsigned step_count; /* 0 for unrouted, quarantined and gift_missing */
	struct plan_step steps[PLAN_STEPS_MAX];
	char *json; /* canonical text: {"route":…,"policy":…,"steps":[…]} with sorted keys */
};

/* Checks and copies a draft, of which only route, policy, step_count and steps are read; gives a plan with
 * one reference. ERR_INVALID or ERR_TOO_BIG: a name or target is missing or not UTF-8, a name is used twice,
 * `after` has a cycle or names no step, or there are too many steps. `err` may be NULL. */
int plan_create(const struct plan *draft, struct plan **ret, struct err *err) MUST_CHECK;
/* Reads the text of plan_json_text; checks as plan_create does. An unknown member is ERR_INVALID, because it
 * could be a rule that this version does not follow. */
int plan_parse(struct str json, struct plan **ret, struct err *err) MUST_CHECK;
/* A new plan without steps, for unrouted, quarantined and gift_missing sagas. */
struct plan *plan_empty(void);
struct plan *plan_ref(struct plan *p); /* adds a reference and returns `p` */
void plan_unref(struct plan *p);       /* drops a reference; NULL is accepted */
/* The index of the step with this name; -1 if there is none. */
int plan_find_step(const struct plan *p, const char *name);

#endif
