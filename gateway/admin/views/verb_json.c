#include "gateway/admin/views/verb_json.h"

#include <assert.h>

#include "gateway/admin/json.h"

json_t *verb_json_result(const struct verb_result *r)
{
	assert(r->code == 0 && r->state < SAGA_STATE_COUNT);
	return json_pack("{s:i, s:i, s:i, s:o, s:s}", "changed", (int)r->changed, "in_doubt", (int)r->in_doubt,
					 "held", (int)r->held, "held_target", admin_json_text(r->held_target), "state",
					 name_of_saga_state(r->state));
}
