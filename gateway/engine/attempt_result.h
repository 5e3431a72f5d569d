/* Inside of the engine: how an attempt's end is read. Checks what the connector says, and says what silence
 * means. */
#ifndef ALMONER_GATEWAY_ENGINE_ATTEMPT_RESULT_H
#define ALMONER_GATEWAY_ENGINE_ATTEMPT_RESULT_H

#include "gateway/engine/attempt.h"

/* NULL when the SEND action may be performed, else what is wrong with it. */
const char *attempt_result_check_action(const struct attempt *a);
/* Reads the FINISH action into a->outcome, a->detail and a->result; what breaks the contract becomes FAULT.
 */
void attempt_result_read(struct attempt *a);
/* What a failed or broken-off exchange means. `maybe_effect`: it was an effects exchange and bytes may have
 * gone out. An effect that was answered but stands in no checkpoint leaves doubt as well. */
enum outcome_class attempt_result_lost_class(const struct attempt *a, bool maybe_effect);
/* One line of at most ATTEMPT_DETAIL_BYTES, cut between characters. */
void attempt_result_set_detail(struct attempt *a, struct str text);

#endif
