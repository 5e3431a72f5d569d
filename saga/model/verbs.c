/* What every verb does in every state, as tables, and one call of a verb. The CLI, the API and their help
 * texts read these tables: saga/DESIGN.md "Verbs". */
#include <assert.h>

#include "saga/model/decide.h"
#include "saga/model/settle.h"
#include "saga/model/verb_effects.h"

/* What one verb does in one state. `effect` NULL: the verb is refused. `text` says what it does, or why it is
 * refused and what to do instead; its subject is the step or the saga. */
struct verb_cell {
	verb_effect_fn *effect;
	const char *text;
};

/* ---- verbs on a step ---- */

/* The rows of a table for steps: the states, with attention split by its reason. */
enum verb_row {
	ROW_WAITING,
	ROW_READY,
	ROW_RUNNING,
	ROW_RETRY_WAIT,
	ROW_SUCCEEDED,
	ROW_SKIPPED,
	ROW_KEPT,
	ROW_REJECTED,
	ROW_EXHAUSTED,
	ROW_IN_DOUBT,
	ROW_FAULT,
	ROW_BODY_CHANGED,
	ROW_TARGET_MISSING,
	ROW_UNDO_FAILED,
	ROW_COUNT
};

static const uint8_t row_of_state[STEP_STATE_COUNT] = {
	[STEP_WAITING] = ROW_WAITING,       [STEP_READY] = ROW_READY,         [STEP_RUNNING] = ROW_RUNNING,
	[STEP_RETRY_WAIT] = ROW_RETRY_WAIT, [STEP_SUCCEEDED] = ROW_SUCCEEDED, [STEP_ATTENTION] = ROW_COUNT,
	[STEP_SKIPPED] = ROW_SKIPPED,       [STEP_KEPT] = ROW_KEPT,
};

static const uint8_t row_of_reason[REASON_COUNT] = {
	[REASON_NONE] = ROW_COUNT,
	[REASON_REJECTED] = ROW_REJECTED,
	[REASON_EXHAUSTED] = ROW_EXHAUSTED,
	[REASON_IN_DOUBT] = ROW_IN_DOUBT,
	[REASON_FAULT] = ROW_FAULT,
	[REASON_BODY_CHANGED] = ROW_BODY_CHANGED,
	[REASON_TARGET_MISSING] = ROW_TARGET_MISSING,
	[REASON_UNDO_FAILED] = ROW_UNDO_FAILED,
	[REASON_QUARANTINED] = ROW_COUNT,
	[REASON_GIFT_MISSING] = ROW_COUNT,
};

#define TEXT_GOES_ON   "nothing to do: the step continues without help"
#define TEXT_AT_END    "nothing to do: the step has ended"
#define TEXT_RESTART   "starts the step again as soon as its target has a free slot, with a full retry budget"
#define TEXT_RUNNING   "an attempt is under way: wait for its outcome (pause the saga to prevent another one)"
#define TEXT_REDO      "sends the step again under a new key, though it may have worked"
#define TEXT_DONE      "marks the step as done: you have checked that it took effect, or did it by hand"
#define TEXT_NOT_DONE  "marks the step as not done; the step is not sent again"
#define TEXT_SKIP      "leaves the step undone; the steps that come after it are skipped too"
#define TEXT_KEPT      "the step took effect and is kept: undo it by hand at its target"
#define TEXT_NOT_SENT  "nothing was sent yet for the step: skip it to leave it undone"
#define TEXT_SUCCEEDED "the step took effect: redo sends it again, compensate undoes the saga"

static const struct verb_cell resume_cells[ROW_COUNT] = {
	[ROW_WAITING] = { verb_effect_none, TEXT_GOES_ON },
	[ROW_READY] = { verb_effect_none, TEXT_GOES_ON },
	[ROW_RUNNING] = { verb_effect_none, TEXT_GOES_ON },
	[ROW_RETRY_WAIT] = { verb_effect_restart, TEXT_RESTART },
	[ROW_SUCCEEDED] = { verb_effect_none, TEXT_AT_END },
	[ROW_SKIPPED] = { verb_effect_none, TEXT_AT_END },
	[ROW_KEPT] = { verb_effect_none, TEXT_AT_END },
	[ROW_REJECTED] = { verb_effect_restart, TEXT_RESTART },
	[ROW_EXHAUSTED] = { verb_effect_restart, TEXT_RESTART },
	[ROW_IN_DOUBT] = { verb_effect_keep_doubt,
					   "leaves the step in doubt: look at its target, then resolve it as done or not "
					   "done; redo (or --redo-in-doubt) sends it again" },
	[ROW_FAULT] = { verb_effect_restart, TEXT_RESTART },
	[ROW_BODY_CHANGED] = { verb_effect_restart, TEXT_RESTART },
	[ROW_TARGET_MISSING] = { verb_effect_restart, TEXT_RESTART },
	[ROW_UNDO_FAILED] = { verb_effect_restart, TEXT_RESTART },
};

static const struct verb_cell retry_cells[ROW_COUNT] = {
	[ROW_WAITING] = { NULL, "the step waits for the steps it comes after: settle those, and it follows" },
	[ROW_READY] = { verb_effect_none, TEXT_GOES_ON },
	[ROW_RUNNING] = { NULL, TEXT_RUNNING },
	[ROW_RETRY_WAIT] = { verb_effect_restart, TEXT_RESTART },
	[ROW_SUCCEEDED] = { NULL, TEXT_SUCCEEDED },
	[ROW_SKIPPED] = { NULL, "the step was skipped: redo does it after all" },
	[ROW_KEPT] = { NULL, TEXT_KEPT },
	[ROW_REJECTED] = { verb_effect_restart, TEXT_RESTART },
	[ROW_EXHAUSTED] = { verb_effect_restart, TEXT_RESTART },
	[ROW_IN_DOUBT] = { verb_effect_retry_doubt,
					   "asks the target, or sends the same request again if the target recognises a "
					   "repeat; refused if neither is possible" },
	[ROW_FAULT] = { verb_effect_restart, TEXT_RESTART },
	[ROW_BODY_CHANGED] = { verb_effect_restart, TEXT_RESTART },
	[ROW_TARGET_MISSING] = { verb_effect_restart, TEXT_RESTART },
	[ROW_UNDO_FAILED] = { verb_effect_restart, TEXT_RESTART },
};

static const struct verb_cell redo_cells[ROW_COUNT] = {
	[ROW_WAITING] = { NULL,
					  "the step has not been sent yet: it follows once the steps it comes after are done" },
	[ROW_READY] = { NULL, "the step is about to be sent: wait for its outcome" },
	[ROW_RUNNING] = { NULL, TEXT_RUNNING },
	[ROW_RETRY_WAIT] = { verb_effect_redo, TEXT_REDO },
	[ROW_SUCCEEDED] = { verb_effect_redo, TEXT_REDO },
	[ROW_SKIPPED] = { verb_effect_redo_skipped,
					  "does the step after all, and the steps that were skipped with it" },
	[ROW_KEPT] = { NULL, TEXT_KEPT },
	[ROW_REJECTED] = { verb_effect_redo, TEXT_REDO },
	[ROW_EXHAUSTED] = { verb_effect_redo, TEXT_REDO },
	[ROW_IN_DOUBT] = { verb_effect_redo, TEXT_REDO },
	[ROW_FAULT] = { verb_effect_redo, TEXT_REDO },
	[ROW_BODY_CHANGED] = { verb_effect_redo, TEXT_REDO },
	[ROW_TARGET_MISSING] = { verb_effect_redo, TEXT_REDO },
	[ROW_UNDO_FAILED] = { verb_effect_redo, TEXT_REDO },
};

static const struct verb_cell done_cells[ROW_COUNT] = {
	[ROW_WAITING] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_READY] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_RUNNING] = { NULL, TEXT_RUNNING },
	[ROW_RETRY_WAIT] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_SUCCEEDED] = { verb_effect_none, TEXT_AT_END },
	[ROW_SKIPPED] = { verb_effect_resolve_skipped,
					  "marks the step as done, and lets the steps skipped with it follow" },
	[ROW_KEPT] = { NULL, TEXT_KEPT },
	[ROW_REJECTED] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_EXHAUSTED] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_IN_DOUBT] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_FAULT] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_BODY_CHANGED] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_TARGET_MISSING] = { verb_effect_resolve_done, TEXT_DONE },
	[ROW_UNDO_FAILED] = { verb_effect_resolve_done, TEXT_DONE },
};

static const struct verb_cell not_done_cells[ROW_COUNT] = {
	[ROW_WAITING] = { NULL, TEXT_NOT_SENT },
	[ROW_READY] = { NULL, TEXT_NOT_SENT },
	[ROW_RUNNING] = { NULL, TEXT_RUNNING },
	[ROW_RETRY_WAIT] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
	[ROW_SUCCEEDED] = { NULL, TEXT_SUCCEEDED },
	[ROW_SKIPPED] = { verb_effect_none, TEXT_AT_END },
	[ROW_KEPT] = { verb_effect_none, TEXT_AT_END },
	[ROW_REJECTED] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
	[ROW_EXHAUSTED] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
	[ROW_IN_DOUBT] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
	[ROW_FAULT] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
	[ROW_BODY_CHANGED] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
	[ROW_TARGET_MISSING] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
	[ROW_UNDO_FAILED] = { verb_effect_resolve_not_done, TEXT_NOT_DONE },
};

static const struct verb_cell skip_cells[ROW_COUNT] = {
	[ROW_WAITING] = { verb_effect_skip, TEXT_SKIP },
	[ROW_READY] = { verb_effect_skip, TEXT_SKIP },
	[ROW_RUNNING] = { NULL, TEXT_RUNNING },
	[ROW_RETRY_WAIT] = { verb_effect_skip, TEXT_SKIP },
	[ROW_SUCCEEDED] = { NULL, TEXT_SUCCEEDED },
	[ROW_SKIPPED] = { verb_effect_none, TEXT_AT_END },
	[ROW_KEPT] = { verb_effect_none, TEXT_AT_END },
	[ROW_REJECTED] = { verb_effect_skip, TEXT_SKIP },
	[ROW_EXHAUSTED] = { verb_effect_skip, TEXT_SKIP },
	[ROW_IN_DOUBT] = { NULL, "the step may have taken effect: look at its target, then resolve the step as "
							 "done or not done" },
	[ROW_FAULT] = { verb_effect_skip, TEXT_SKIP },
	[ROW_BODY_CHANGED] = { verb_effect_skip, TEXT_SKIP },
	[ROW_TARGET_MISSING] = { verb_effect_skip, TEXT_SKIP },
	[ROW_UNDO_FAILED] = { verb_effect_skip,
						  "leaves the step's effect in place; the other steps are still undone" },
};

static const struct verb_cell *const step_cells[VERB_COUNT] = {
	[VERB_RESUME] = resume_cells, [VERB_RETRY] = retry_cells,
	[VERB_REDO] = redo_cells,     [VERB_RESOLVE_DONE] = done_cells,
	[VERB_SKIP] = skip_cells,     [VERB_RESOLVE_NOT_DONE] = not_done_cells,
	[VERB_PAUSE] = NULL,          [VERB_CANCEL] = NULL,
	[VERB_COMPENSATE] = NULL,     [VERB_REPROCESS] = NULL,
};

/* Verbs on a step that the state of its saga forbids, whatever the state of the step. The first guard that
 * holds and has a text for the verb refuses it. */
enum verb_guard { GUARD_UNDONE, GUARD_CANCELLED, GUARD_UNDOING, GUARD_PAUSED, GUARD_COUNT };

#define TEXT_CANCELLED                                                                                       \
	"the step's saga was cancelled, and no further step starts: compensate undoes what was done"
#define TEXT_UNDOING                                                                                         \
	"the step's saga is being undone or has been undone, and no step is done any more: resolve it if it is " \
	"in "                                                                                                    \
	"doubt; otherwise leave it"

#define TEXT_STEP_UNDONE                                                                                     \
	"the step was undone, and a step is not done again after its undo: send the event anew"

static const char *const guards[GUARD_COUNT][VERB_COUNT] = {
	[GUARD_UNDONE] = { [VERB_RETRY] = TEXT_STEP_UNDONE,
					   [VERB_REDO] = TEXT_STEP_UNDONE,
					   [VERB_SKIP] = TEXT_STEP_UNDONE,
					   [VERB_RESOLVE_NOT_DONE] = TEXT_STEP_UNDONE },
	[GUARD_CANCELLED] = { [VERB_RESUME] = TEXT_CANCELLED,
						  [VERB_RETRY] = TEXT_CANCELLED,
						  [VERB_REDO] = TEXT_CANCELLED,
						  [VERB_SKIP] = TEXT_CANCELLED },
	[GUARD_UNDOING] = { [VERB_RESUME] = TEXT_UNDOING,
						[VERB_RETRY] = TEXT_UNDOING,
						[VERB_REDO] = TEXT_UNDOING },
	[GUARD_PAUSED] = { [VERB_RETRY] = "the step's saga is paused: resume the saga" },
};

/* Why the saga forbids the verb on this step; NULL if it does not. */
static const char *guard_refusal(const struct saga *s, const struct step *st, enum verb verb)
{
	const bool holds[GUARD_COUNT] = { st->direction == DIRECTION_UNDO && st->state == STEP_SUCCEEDED,
									  s->cancelled, s->compensating && st->direction == DIRECTION_DO,
									  s->paused };
	if (st->state == STEP_KEPT)
		return NULL; /* no verb starts a kept step; the table for steps says what is possible */
	for (unsigned g = 0; g < GUARD_COUNT; g++) {
		if (holds[g] && guards[g][verb] != NULL)
			return guards[g][verb];
	}
	return NULL;
}

/* ---- verbs on a saga ---- */

static verb_effect_fn resume_saga;

/* Each table of cells for a verb on sagas has one row for each saga state, and one more row for a saga in
 * attention that has no steps. */
enum { SAGA_ROW_NO_STEPS = SAGA_STATE_COUNT, SAGA_ROW_COUNT };

#define TEXT_NO_STEPS                                                                                        \
	"the saga has no steps yet: correct the map (or send the missing event), then reprocess it; cancel "     \
	"lays it "                                                                                               \
	"aside"
#define TEXT_UNROUTED                                                                                        \
	"no route took this event: add a route, then send the event anew with another id (`almoner send`)"
#define TEXT_FINISHED "the saga is complete: redo sends one of its steps again, compensate undoes it"
#define TEXT_UNDONE                                                                                          \
	"the saga has been undone, and its steps are not done again: if that was a mistake, send the event anew"
#define TEXT_SAGA_CANCELLED "the saga was cancelled: compensate undoes what was done before"
#define TEXT_NOT_REPROCESSED                                                                                 \
	"only an event that is quarantined, or waits for its gift, is mapped again: resume or redo sends the "   \
	"steps of the saga"
#define TEXT_RESUMES                                                                                         \
	"ends a pause of the saga, and starts again the steps that wait for a retry or failed for a definite "   \
	"reason"

static const struct verb_cell resume_saga_cells[SAGA_ROW_COUNT] = {
	[SAGA_RUNNING] = { resume_saga, TEXT_RESUMES },      [SAGA_PAUSED] = { resume_saga, TEXT_RESUMES },
	[SAGA_COMPENSATING] = { resume_saga, TEXT_RESUMES }, [SAGA_ATTENTION] = { resume_saga, TEXT_RESUMES },
	[SAGA_COMPLETED] = { NULL, TEXT_FINISHED },          [SAGA_COMPLETED_PARTIAL] = { NULL, TEXT_FINISHED },
	[SAGA_COMPENSATED] = { NULL, TEXT_UNDONE },          [SAGA_CANCELLED] = { NULL, TEXT_SAGA_CANCELLED },
	[SAGA_UNROUTED] = { NULL, TEXT_UNROUTED },           [SAGA_ROW_NO_STEPS] = { NULL, TEXT_NO_STEPS },
};

static const struct verb_cell pause_saga_cells[SAGA_ROW_COUNT] = {
	[SAGA_RUNNING] = { verb_effect_pause,
					   "starts no step until the saga is resumed; what is under way finishes" },
	[SAGA_PAUSED] = { verb_effect_none, "nothing to do: the saga is paused" },
	[SAGA_COMPENSATING] = { verb_effect_pause,
							"starts no undo until the saga is resumed; what is under way finishes" },
	[SAGA_ATTENTION] = { verb_effect_pause,
						 "starts no step until the saga is resumed; what is under way finishes" },
	[SAGA_COMPLETED] = { NULL, TEXT_FINISHED },
	[SAGA_COMPLETED_PARTIAL] = { NULL, TEXT_FINISHED },
	[SAGA_COMPENSATED] = { NULL, TEXT_UNDONE },
	[SAGA_CANCELLED] = { NULL, TEXT_SAGA_CANCELLED },
	[SAGA_UNROUTED] = { NULL, TEXT_UNROUTED },
	[SAGA_ROW_NO_STEPS] = { NULL, TEXT_NO_STEPS },
};

#define TEXT_CANCELS                                                                                         \
	"starts no further step of the saga, for good; what is under way finishes, and doubt can still be "      \
	"resolved"

static const struct verb_cell cancel_saga_cells[SAGA_ROW_COUNT] = {
	[SAGA_RUNNING] = { verb_effect_cancel, TEXT_CANCELS },
	[SAGA_PAUSED] = { verb_effect_cancel, TEXT_CANCELS },
	[SAGA_COMPENSATING] = { NULL, "the saga is being undone: let that end, or pause the saga" },
	[SAGA_ATTENTION] = { verb_effect_cancel, TEXT_CANCELS },
	[SAGA_COMPLETED] = { NULL, TEXT_FINISHED },
	[SAGA_COMPLETED_PARTIAL] = { NULL, TEXT_FINISHED },
	[SAGA_COMPENSATED] = { NULL, TEXT_UNDONE },
	[SAGA_CANCELLED] = { verb_effect_none, "nothing to do: the saga is cancelled" },
	[SAGA_UNROUTED] = { NULL, TEXT_UNROUTED },
	[SAGA_ROW_NO_STEPS] = { verb_effect_cancel, "lays the saga aside for good" },
};

#define TEXT_UNDOES "undoes the steps of the saga that took effect, last step first; starts nothing else"

static const struct verb_cell compensate_saga_cells[SAGA_ROW_COUNT] = {
	[SAGA_RUNNING] = { verb_effect_compensate, TEXT_UNDOES },
	[SAGA_PAUSED] = { verb_effect_compensate, TEXT_UNDOES },
	[SAGA_COMPENSATING] = { verb_effect_none, "nothing to do: the saga is being undone" },
	[SAGA_ATTENTION] = { verb_effect_compensate, TEXT_UNDOES },
	[SAGA_COMPLETED] = { verb_effect_compensate, TEXT_UNDOES },
	[SAGA_COMPLETED_PARTIAL] = { verb_effect_compensate, TEXT_UNDOES },
	[SAGA_COMPENSATED] = { verb_effect_none, "nothing to do: the saga has been undone" },
	[SAGA_CANCELLED] = { verb_effect_compensate, TEXT_UNDOES },
	[SAGA_UNROUTED] = { NULL, TEXT_UNROUTED },
	[SAGA_ROW_NO_STEPS] = { NULL, TEXT_NO_STEPS },
};

static const struct verb_cell reprocess_saga_cells[SAGA_ROW_COUNT] = {
	[SAGA_RUNNING] = { NULL, TEXT_NOT_REPROCESSED },
	[SAGA_PAUSED] = { NULL, TEXT_NOT_REPROCESSED },
	[SAGA_COMPENSATING] = { NULL, TEXT_NOT_REPROCESSED },
	[SAGA_ATTENTION] = { NULL, TEXT_NOT_REPROCESSED },
	[SAGA_COMPLETED] = { NULL, TEXT_NOT_REPROCESSED },
	[SAGA_COMPLETED_PARTIAL] = { NULL, TEXT_NOT_REPROCESSED },
	[SAGA_COMPENSATED] = { NULL, TEXT_UNDONE },
	[SAGA_CANCELLED] = { NULL, TEXT_SAGA_CANCELLED },
	[SAGA_UNROUTED] = { NULL, TEXT_UNROUTED },
	[SAGA_ROW_NO_STEPS] = { verb_effect_reprocess, "maps the event again with the current configuration" },
};

static const struct verb_cell *const saga_cells[VERB_COUNT] = {
	[VERB_RESUME] = resume_saga_cells,       [VERB_PAUSE] = pause_saga_cells,
	[VERB_CANCEL] = cancel_saga_cells,       [VERB_COMPENSATE] = compensate_saga_cells,
	[VERB_REPROCESS] = reprocess_saga_cells,
};

static const struct verb_cell *saga_cell(enum verb verb, enum saga_state state, enum reason own_reason)
{
	if ((unsigned)verb >= VERB_COUNT || (unsigned)state >= SAGA_STATE_COUNT || saga_cells[verb] == NULL)
		return NULL;
	static const struct verb_cell nothing_to_undo = {
		NULL, "it was cancelled before it had steps, so there is nothing to undo"
	};
	if (verb == VERB_COMPENSATE && state == SAGA_CANCELLED && own_reason != REASON_NONE)
		return &nothing_to_undo;
	bool no_steps = own_reason != REASON_NONE && state == SAGA_ATTENTION;
	return &saga_cells[verb][no_steps ? (unsigned)SAGA_ROW_NO_STEPS : (unsigned)state];
}

static const struct verb_cell *step_cell(enum verb verb, enum step_state state, enum reason reason)
{
	if ((unsigned)verb >= VERB_COUNT || (unsigned)state >= STEP_STATE_COUNT ||
		(unsigned)reason >= REASON_COUNT)
		return NULL;
	unsigned row = state == STEP_ATTENTION ? row_of_reason[reason] : row_of_state[state];
	return step_cells[verb] != NULL && row < ROW_COUNT ? &step_cells[verb][row] : NULL;
}

const char *verb_saga_text(enum verb verb, enum saga_state state, enum reason own_reason)
{
	const struct verb_cell *cell = saga_cell(verb, state, own_reason);
	return cell != NULL ? cell->text : "?";
}

const char *verb_cell_text(enum verb verb, enum step_state state, enum reason reason)
{
	const struct verb_cell *cell = step_cell(verb, state, reason);
	if (cell != NULL)
		return cell->text;
	bool no_steps = reason == REASON_QUARANTINED || reason == REASON_GIFT_MISSING;
	return verb_saga_text(verb, (enum saga_state)state, no_steps ? reason : REASON_NONE);
}

/* Resumes each step that can be resumed. A step that cannot does not refuse the verb for the others; steps in
 * doubt are counted. */
static void resume_saga(struct decide *d, unsigned unused, const struct verb_call *call,
						struct verb_effect *ret)
{
	(void)unused;
	struct saga *s = d->saga;
	ret->changed = s->paused ? 1 : 0;
	s->paused = false;
	for (unsigned i = 0; i < s->step_count; i++) {
		struct step *st = &s->steps[i];
		const struct verb_cell *cell =
			step_cell(VERB_RESUME, (enum step_state)st->state, (enum reason)st->reason);
		if (guard_refusal(s, st, VERB_RESUME) == NULL) {
			cell->effect(d, i, call, ret);
			ret->refusal = NULL;
		} else if (st->reason == REASON_IN_DOUBT) {
			ret->doubt++;
		}
	}
}

/* ---- one call ---- */

static int refuse_saga(const struct saga *s, enum verb verb, const char *why, struct err *err)
{
	return err_set(err, ERR_REFUSED, "%s: saga %lld is %s%s%s: %s", name_of_verb(verb), (long long)s->id,
				   name_of_saga_state((enum saga_state)s->state), s->reason != REASON_NONE ? ", " : "",
				   name_of_reason((enum reason)s->reason), why);
}

static int refuse_step(const struct saga *s, unsigned step, enum verb verb, const char *why, struct err *err)
{
	const struct step *st = &s->steps[step];
	bool undo = st->direction == DIRECTION_UNDO;
	return err_set(err, ERR_REFUSED, "%s: step \"%s\" of saga %lld is %s%s%s%s: %s", name_of_verb(verb),
				   s->plan->steps[step].name, (long long)s->id, undo ? "(undo) " : "",
				   name_of_step_state((enum step_state)st->state), st->reason != REASON_NONE ? ", " : "",
				   name_of_reason((enum reason)st->reason), why);
}

static void log_verb(struct decide *d, const struct verb_call *call)
{
	struct record r = settle_record(d, RECORD_VERB, call->step >= 0 ? call->step : RECORD_NO_STEP);
	r.text = str_of(name_of_verb(call->verb));
	r.actor = str_of(call->actor);
	r.note = str_of(call->note);
	records_add(d->log, &r);
}

/* Finds the table cell for a call. Fails if the saga has no such step, if the verb needs a step or must not
 * have one, or if the state of the saga forbids it. */
static int find_cell(const struct decide *d, const struct verb_call *call, const struct verb_cell **ret,
					 struct err *err)
{
	const struct saga *s = d->saga;
	if ((unsigned)call->verb >= VERB_COUNT)
		return err_set(err, ERR_INVALID, "there is no verb number %d", (int)call->verb);
	if (call->step < 0) {
		*ret = saga_cell(call->verb, (enum saga_state)s->state, (enum reason)s->own_reason);
		return *ret != NULL ? 0 : refuse_saga(s, call->verb, "this verb is for one step: name the step", err);
	}
	if ((unsigned)call->step >= s->step_count)
		return err_set(err, ERR_NOT_FOUND, "saga %lld has no step number %d", (long long)s->id, call->step);
	const struct step *st = &s->steps[call->step];
	*ret = step_cell(call->verb, (enum step_state)st->state, (enum reason)st->reason);
	if (*ret == NULL)
		return refuse_saga(s, call->verb, "this verb is for the whole saga: leave the step out", err);
	const char *guard = guard_refusal(s, st, call->verb);
	return guard == NULL ? 0 : refuse_step(s, (unsigned)call->step, call->verb, guard, err);
}

static int refuse(const struct saga *s, const struct verb_call *call, const char *why, struct err *err)
{
	return call->step >= 0 ? refuse_step(s, (unsigned)call->step, call->verb, why, err)
						   : refuse_saga(s, call->verb, why, err);
}

/* The verb is logged only if it changed something. */
int decide_verb(struct decide *d, const struct verb_call *call, unsigned *ret_changed, unsigned *ret_doubt,
				struct err *err)
{
	assert(call->step >= -1);
	const struct verb_cell *cell = NULL;
	int rc = find_cell(d, call, &cell, err);
	if (rc != 0)
		return rc;
	assert(cell != NULL);
	if (cell->effect == NULL)
		return refuse(d->saga, call, cell->text, err);
	struct settle settling;
	struct verb_effect effect = { 0 };
	settle_begin(&settling, d);
	cell->effect(d, call->step >= 0 ? (unsigned)call->step : 0, call, &effect);
	if (effect.refusal != NULL)
		return refuse(d->saga, call, effect.refusal, err);
	if (effect.changed > 0) {
		log_verb(d, call);
		settle_end(&settling, -1);
	}
	*ret_changed = effect.changed;
	*ret_doubt = effect.doubt;
	return 0;
}
