/* The elementary moves of one step. Each sets the state, its `why` and their companions together, so that no
 * decision can forget one. Who may move when is decided elsewhere (decide.c, outcome.c, settle.c, verbs.c).
 */
#ifndef ALMONER_MODEL_STEP_H
#define ALMONER_MODEL_STEP_H

#include "saga/model/decide.h"

#define STEP_DETAIL_BYTES 500

/* What the next attempt may be, given what may have happened already. */
enum send_rule {
	SEND_PLAIN,  /* send: nothing can have happened, or the target can tell a repeat */
	SEND_LOOKUP, /* look first */
	SEND_NEVER   /* only a person can say */
};
enum send_rule step_send_rule(const struct step *st, const struct step_rules *rules, int64_t now_ms);
/* Can a look-up settle this step's doubt at all? Not for an undo (a look-up asks about the do), and not for
 * `unsafe`: its "absent" would be followed by a second sending of the same generation. */
bool step_can_lookup(const struct step *st, const struct step_rules *rules);

void step_to_waiting(struct step *st);
void step_to_ready(struct step *st, int64_t now_ms);
void step_to_running(struct step *st, int64_t now_ms);
void step_to_retry(struct step *st, int64_t due_ms);
void step_to_attention(struct step *st, enum reason reason);
void step_to_succeeded(struct step *st);
void step_to_kept(struct step *st);
/* Ends a step whose present generation did nothing: skipped, or succeeded where an earlier one took effect.
 */
void step_end_without_effect(struct step *st, enum skip skip);

void step_mark_doubt(struct step *st, int64_t since_ms);
void step_clear_doubt(struct step *st);
/* The whole retry budget again. */
void step_reset_budget(struct step *st);
/* The bytes of this generation's requests are frozen from now on. */
void step_set_body(struct step *st, const uint8_t digest[16]);
/* A new generation: new key, new body, no attempts, no doubt of its own. */
void step_new_generation(struct step *st);
/* Turns the step round: direction undo, generation 1, waiting. */
void step_begin_undo(struct step *st);
/* Cut to STEP_DETAIL_BYTES at a character's end; NULL clears. */
void step_set_detail(struct step *st, const char *detail);

bool step_is_open(const struct step *st); /* waiting, ready, running or retry_wait */

#endif
