/* Stops jq programs that run too long. libjq has no limit of steps, but it checks its "halted" flag before
 * each instruction. One thread for the process looks at the CPU time of each evaluation and sets that flag.
 * Internal to this module.
 *
 * It cannot stop a single built-in function that takes long by itself, for example `"x" * 1e9`. */
#ifndef ALMONER_GATEWAY_EXPR_JQ_TIMEOUT_H
#define ALMONER_GATEWAY_EXPR_JQ_TIMEOUT_H

#include <jq.h>
#include <stdbool.h>

/* One for each thread that evaluates programs; that thread opens and closes it. */
struct jq_timeout_slot;
struct jq_timeout_slot *jq_timeout_open(void);
void jq_timeout_close(struct jq_timeout_slot *slot); /* NULL is accepted */

/* To be called before and after each evaluation of `jq`. jq_timeout_end returns true when the evaluation
 * was stopped; the caller must then tear `jq` down, because libjq cannot run a halted program again. */
void jq_timeout_begin(struct jq_timeout_slot *slot, jq_state *jq);
bool jq_timeout_end(struct jq_timeout_slot *slot);

#endif
