/* Internal to the engine: turns what the connector or the transport said into the attempt's outcome.
 * Breaches of the connector interface become OUTCOME_FAULT. */
#ifndef ALMONER_GATEWAY_ENGINE_ATTEMPT_RESULT_H
#define ALMONER_GATEWAY_ENGINE_ATTEMPT_RESULT_H

#include "gateway/engine/attempt.h"

/* Checks an action that is not ALMONER_FINISH. Returns NULL when it may be sent, else what is wrong with
 * it. */
const char *attempt_result_check_action(const struct attempt *a);
/* Reads the ALMONER_FINISH action into a->outcome, a->detail and a->result. */
void attempt_result_read(struct attempt *a);
/* The outcome of an exchange that ended without a complete reply: UNKNOWN when an effect is possible, else
 * UNREACHABLE. `maybe_effect`: bytes of this exchange may have been sent. An earlier effect that was
 * answered but that no checkpoint records makes the outcome UNKNOWN as well. */
enum outcome_class attempt_result_lost_class(const struct attempt *a, bool maybe_effect);
/* Copies the text as one line of at most ATTEMPT_DETAIL_BYTES: control characters become spaces, and it is
 * cut between UTF-8 characters. */
void attempt_result_set_detail(struct attempt *a, struct str text);

#endif
