#include "gateway/admin/verbs/config_rules.h"

#include <assert.h>

struct step_rules config_rules(const struct config_target *t)
{
	assert(t != NULL);
	int repeat = name_to_repeat(t->traits.repeat);
	return (struct step_rules){
		.repeat = repeat > 0 ? (enum repeat)repeat : REPEAT_UNSAFE,
		.repeat_ttl_ms = t->traits.repeat_ttl_ms,
		.retry = { .first_ms = t->retry.first_ms,
				   .factor = t->retry.factor,
				   .cap_ms = t->retry.cap_ms,
				   .give_up_after_ms = t->retry.give_up_after_ms,
				   .attempts = (uint32_t)t->retry.attempts },
		.can_undo = t->traits.can_undo,
		.can_undo_nothing = t->traits.can_undo_nothing,
		.undo_idempotent = t->traits.undo_idempotent,
		.can_lookup = t->traits.can_look_up,
		.attention_holds = t->order.on_attention == CONFIG_ATTENTION_HOLD,
	};
}
