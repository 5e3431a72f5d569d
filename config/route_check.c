#include "config/route_check.h"

#include "config/route.h"

/* Reports "a after b after a", along steps that wait for each other, beginning and ending at `start`. */
static void report_cycle(struct config_reader *r, const struct config_route *route, size_t start)
{
	uint32_t ancestors[CONFIG_STEPS_MAX] = { 0 };
	struct buf path = { 0 };
	size_t at = start;

	route_ancestors(route, ancestors);
	buf_text(&path, route->steps[start].name);
	for (size_t count = 0; count < route->step_count; count++) {
		uint32_t direct = route->steps[at].after;
		size_t next = 0;

		/* `start` if this step waits for it; else a step that waits for it through others */
		if ((direct >> start & 1) != 0)
			next = start;
		else
			while ((direct >> next & 1) == 0 || (ancestors[next] >> start & 1) == 0)
				next++;
		buf_printf(&path, " after %s", route->steps[next].name);
		at = next;
		if (at == start)
			break;
	}
	reader_error(r, NULL, "these steps wait for each other: %s", path.data);
	buf_free(&path);
}

/* The index of a step that can still fail after step `i` has succeeded, or -1: any step that does not have
 * to end before `i`. */
static int may_fail_after(const struct config_route *route, const uint32_t *ancestors, size_t i)
{
	for (size_t j = 0; j < route->step_count; j++) {
		if (j != i && (ancestors[i] >> j & 1) == 0)
			return (int)j;
	}
	return -1;
}

/* The rule applies only to the policy `compensate`, and only where the connector could be asked. */
static void check_undo(struct config_reader *r, const struct config_route *route)
{
	uint32_t ancestors[CONFIG_STEPS_MAX] = { 0 };

	route_ancestors(route, ancestors);
	for (size_t i = 0; i < route->step_count; i++) {
		const struct config_step *step = &route->steps[i];
		const struct config_target *target = &r->config->targets[step->target];
		int other = may_fail_after(route, ancestors, i);
		size_t mark;

		if (step->undo_none || !target->traits.known || target->traits.can_undo || other < 0)
			continue;
		mark = reader_enter_index(r, i);
		reader_error(r, "\"undo\": \"none\" if its effect may stay, or \"after\" with all other steps",
					 "the step \"%s\" cannot be undone (connector %s), and \"%s\" may fail after it",
					 step->name, target->connector, route->steps[other].name);
		reader_leave(r, mark);
	}
}

void route_check_reachable(struct config_reader *r, const struct config_route *route)
{
	for (size_t i = 0; i < r->config->route_count; i++) {
		if (!route_shadows(&r->config->routes[i], route))
			continue;
		reader_warn(r, NULL, "this route never gets an event: the route \"%s\" before it takes all of them",
					r->config->routes[i].name);
		return;
	}
}

void route_check_steps(struct config_reader *r, struct config_route *route)
{
	size_t mark = reader_enter(r, "steps");
	int cycle = route_cycle(route);

	if (cycle >= 0)
		report_cycle(r, route, (size_t)cycle);
	else if (route->on_failure == CONFIG_FAILURE_COMPENSATE)
		check_undo(r, route);
	reader_leave(r, mark);
	if (cycle < 0)
		route_sort(route);
}
