#include "gateway/cli/remaining.h"

#include <stdio.h>

#include "gateway/cli/run.h"

void remaining_held(const json_t *result)
{
	const char *name;
	json_t *count;
	json_object_foreach(json_object_get(result, "held_targets"), name, count)
	{
		long long steps = json_integer_value(count);
		printf("%lld %s because target %s is held or paused: almoner target resume %s\n", steps,
			   run_plural(steps, "step waits", "steps wait"), name, name);
	}
}

void remaining_in_doubt(const json_t *result)
{
	long long doubt = run_number(result, "in_doubt");
	if (doubt > 0)
		printf(
			"%lld %s in doubt and not sent again: check at the target, then use `saga resolve`; `saga redo` "
			"or --redo-in-doubt sends again\n",
			doubt, run_plural(doubt, "step is", "steps are"));
}
