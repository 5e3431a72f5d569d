/* What each verb does to a step or to a saga. The tables in verbs.c decide for which states a function here
 * is called; the functions assert those states. */
#ifndef ALMONER_MODEL_VERB_EFFECTS_H
#define ALMONER_MODEL_VERB_EFFECTS_H

#include "saga/model/decide.h"

/* The result of one verb; zeroed before the first function. A resume of a whole saga adds up several
 * steps. */
struct verb_effect {
	unsigned changed;    /* number of changed steps, or 1 for the saga */
	unsigned doubt;      /* steps that stay in doubt */
	const char *refusal; /* why nothing was changed, static; NULL: the verb was done */
};

/* `step` is ignored by the functions on the whole saga. */
typedef void verb_effect_fn(struct decide *d, unsigned step, const struct verb_call *call,
							struct verb_effect *ret);

/* ---- on a step ---- */

verb_effect_fn verb_effect_none;    /* changes nothing: the step is already as the verb wants it */
verb_effect_fn verb_effect_restart; /* retry_wait or definite failure: ready, with a full budget */
/* resume: the step stays in doubt, unless the call says redo_in_doubt */
verb_effect_fn verb_effect_keep_doubt;
verb_effect_fn
	verb_effect_retry_doubt;     /* retry: looks up, or sends again if the target recognises a repeat */
verb_effect_fn verb_effect_redo; /* sends with a new generation, so with a new key */
verb_effect_fn verb_effect_redo_skipped; /* does a skipped step and those that were skipped because of it */
verb_effect_fn verb_effect_resolve_done; /* the operator says that the step took effect */
/* the operator says that a skipped step took effect; its dependants follow */
verb_effect_fn verb_effect_resolve_skipped;
verb_effect_fn verb_effect_resolve_not_done; /* the operator says that the step did not take effect */
/* ends the step undone; refused if the step may have taken effect */
verb_effect_fn verb_effect_skip;

/* ---- on a saga ---- */

verb_effect_fn verb_effect_pause;
verb_effect_fn verb_effect_cancel;
verb_effect_fn verb_effect_compensate;
verb_effect_fn
	/* reprocess only counts: the journal replaces the saga by what the event maps to now */
	verb_effect_reprocess;

#endif
