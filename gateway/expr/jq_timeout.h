/* Stops jq programs that run away. libjq has no step limit, but looks at its "halted" flag before every
 * instruction; one thread watches the CPU time of every evaluation and raises that flag. Internal to this
 * room.
 *
 * Not stopped: a single built-in that is long by itself ("x" * 1e9); see README.md. */
#ifndef ALMONER_GATEWAY_EXPR_JQ_TIMEOUT_H
#define ALMONER_GATEWAY_EXPR_JQ_TIMEOUT_H

#include <jq.h>
#include <stdbool.h>

/* One per evaluating thread; made and destroyed by that thread. */
struct jq_timeout_slot;
struct jq_timeout_slot *jq_timeout_open(void);
void jq_timeout_close(struct jq_timeout_slot *slot); /* NULL is accepted */

/* Around each evaluation. jq_timeout_end says whether it was stopped: the program's state is then spent. */
void jq_timeout_begin(struct jq_timeout_slot *slot, jq_state *jq);
bool jq_timeout_end(struct jq_timeout_slot *slot);

#endif
