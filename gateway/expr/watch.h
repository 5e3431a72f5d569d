/* Stops jq programs that run away. libjq has no step limit, but looks at its "halted" flag before every
 * instruction; one thread watches the CPU time of every evaluation and raises that flag. Internal to this
 * room.
 *
 * Not stopped: a single built-in that is long by itself ("x" * 1e9); see README.md. */
#ifndef ALMONER_EXPR_WATCH_H
#define ALMONER_EXPR_WATCH_H

#include <jq.h>
#include <stdbool.h>

/* One per evaluating thread; made and destroyed by that thread. */
struct watch_slot;
struct watch_slot *watch_open(void);
void watch_close(struct watch_slot *slot); /* NULL is accepted */

/* Around each evaluation. watch_end says whether it was stopped: the program's state is then spent. */
void watch_begin(struct watch_slot *slot, jq_state *jq);
bool watch_end(struct watch_slot *slot);

#endif
