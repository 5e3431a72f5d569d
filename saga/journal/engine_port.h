/* The journal as the engine sees it. Work reaches the engine through hooks.hand_out (journal.h); through this
 * port the engine reports what became of it. The functions that take a work take ownership of it: it returns
 * with another kind, or the journal frees it. After the journal's failure it is always freed.
 *
 * A report about an attempt or generation that is past is normal, since operators act at the same time: the
 * report changes nothing, and a work that is owed an answer returns as WORK_GONE. Thread: any; the engine
 * calls from one. */
#ifndef ALMONER_SAGA_JOURNAL_ENGINE_PORT_H
#define ALMONER_SAGA_JOURNAL_ENGINE_PORT_H

#include "saga/journal/schedule/work.h"
#include "saga/journal/state/inflight.h"

struct journal;

/* WORK_READY, and the engine holds a slot for it: returns as WORK_START, or as WORK_GONE. */
void journal_start(struct journal *j, struct work *w);
/* WORK_READY with needs_condition: the verdict of the step's `when`. True: returns as WORK_START or
 * WORK_GONE; false: the step is skipped, and the work returns as WORK_GONE. */
void journal_condition_result(struct journal *j, struct work *w, bool condition_true);
/* WORK_START whose attempt was not begun: a record takes the intent back, so that a crash leaves no doubt
 * about the step. The work is freed. */
void journal_not_started(struct journal *j, struct work *w);
/* Makes the connector's bytes durable before a further exchange with effects; copies them. Returns as
 * WORK_CHECKPOINTED, or as WORK_GONE. */
void journal_checkpoint(struct journal *j, struct work *w, struct str bytes);

/* Before each request with an effect goes out: records the digest of the request, which from now on survives
 * a kill of the process, until the outcome is durable. ERR_FULL: too many requests are in flight, and this
 * one must not be sent. Thread: the engine's. */
int journal_record_inflight(struct journal *j, struct work *w,
							const uint8_t body[INFLIGHT_BODY_BYTES]) MUST_CHECK;
/* Forgets the digest of the request in flight, for a work that will have no outcome (WORK_GONE). */
void journal_clear_inflight(struct journal *j, struct work *w);

/* How the attempt ended; the work is freed after the commit. Copies the texts of the outcome. `hold_reason`:
 * not NULL holds the target in the same commit, with this reason. */
void journal_outcome(struct journal *j, struct work *w, const struct outcome *o, const char *hold_reason);
/* WORK_READY that the engine cannot keep (its window is too full, its target was removed): the step moves to
 * a row on disk, and the work is freed. */
void journal_spill(struct journal *j, struct work *w);

/* Asks for up to `max` claimable steps of a target, each with a slot that the engine has reserved. They come
 * as WORK_START, or as WORK_READY with needs_condition. The claim ends with a target_news that has
 * claim_done. A held target grants one step, as a probe; a paused one grants none. When fewer than `max` were
 * granted although rows are due, nothing more can be granted now, and news follows when that changes. At most
 * one claim of a target at a time; an unknown target gets no answer. */
void journal_claim(struct journal *j, uint32_t target, uint32_t max);
/* A target's breaker changed its state: the log gets the word "breaker_open" or the like. `note`: details,
 * may be empty. Whether the breaker is closed is stored with the target, so that the next process starts with
 * a probe. */
void journal_breaker(struct journal *j, uint32_t target, enum breaker_state state, const char *note);

#endif
