/* What the verbs do to a step or a saga, where the table in verbs.c lets them. */
#ifndef ALMONER_MODEL_VERB_EFFECTS_H
#define ALMONER_MODEL_VERB_EFFECTS_H

#include "saga/model/decide.h"

/* What one verb did. */
struct verb_effect {
	unsigned changed;
	unsigned doubt;      /* steps left in doubt */
	const char *refusal; /* not NULL: nothing was changed, and why */
};

/* `step` is in a state the table allows; for effects on the whole saga it is 0 and unused. */
typedef void verb_effect_fn(struct decide *d, unsigned step, const struct verb_call *call,
							struct verb_effect *ret);

verb_effect_fn verb_effect_none;    /* it is so: nothing to do */
verb_effect_fn verb_effect_restart; /* retry_wait, definite attention → ready */
verb_effect_fn
	verb_effect_keep_doubt; /* resume in doubt: left standing and counted, unless redo was asked for */
verb_effect_fn verb_effect_retry_doubt;  /* retry in doubt: look, or send where a repeat can be told */
verb_effect_fn verb_effect_redo;         /* new generation */
verb_effect_fn verb_effect_redo_skipped; /* do it after all */
verb_effect_fn verb_effect_resolve_done;
verb_effect_fn verb_effect_resolve_skipped;
verb_effect_fn verb_effect_resolve_not_done;
verb_effect_fn verb_effect_skip;

verb_effect_fn verb_effect_pause;
verb_effect_fn verb_effect_cancel;
verb_effect_fn verb_effect_compensate;
verb_effect_fn verb_effect_reprocess;

#endif
