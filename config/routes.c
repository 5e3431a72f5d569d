/* Reading routes: what they match, their steps, and what the steps wait for. */
#include <stdlib.h>
#include <string.h>

#include "config/nearest.h"
#include "config/reader.h"
#include "config/route.h"
#include "config/route_check.h"
#include "saga/base/mem.h"

static void report_unknown_name(struct config_reader *r, const char *what, const char *name,
								const char *nearest)
{
	char clipped[READER_CLIP_BYTES];

	reader_clip(name, clipped);
	if (nearest != NULL)
		reader_error(r, NULL, "unknown %s \"%s\"; did you mean \"%s\"?", what, clipped, nearest);
	else
		reader_error(r, NULL, "unknown %s \"%s\"", what, clipped);
}

/* ---- match ---- */

static const char *nearest_source(const struct config *config, const char *name)
{
	struct nearest near = { .wanted = name };

	for (size_t i = 0; i < config->source_count; i++)
		nearest_offer(&near, config->sources[i].name);
	return near.best;
}

/* A list with "*" is the same as no list. */
static void check_match(struct config_reader *r, struct config_route *route)
{
	size_t outer = reader_enter(r, "match");
	size_t mark;

	if (config_list_has(&route->types, "*"))
		config_list_finish(&route->types);
	if (config_list_has(&route->sources, "*"))
		config_list_finish(&route->sources);
	mark = reader_enter(r, "source");
	for (size_t i = 0; i < route->sources.count; i++) {
		if (config_find_source(r->config, str_of(route->sources.items[i])) < 0)
			report_unknown_name(r, "source", route->sources.items[i],
								nearest_source(r->config, route->sources.items[i]));
	}
	reader_leave(r, mark);
	reader_leave(r, outer);
}

/* ---- steps ---- */

/* The index of the step's target, or -1 after an error was added (or when "target" is missing, which
 * reader_require reports). */
static int target_of(struct config_reader *r, const json_t *object)
{
	const json_t *value = json_object_get(object, "target");
	const char *name = json_string_value(value);
	struct nearest near = { .wanted = name };
	size_t mark = reader_enter(r, "target");
	int index = -1;

	if (value != NULL && name == NULL)
		reader_error(r, "the name of a target", "this is %s", reader_kind_of(value));
	if (name != NULL)
		index = config_find_target(r->config, str_of(name));
	if (name != NULL && index < 0) {
		for (size_t i = 0; i < r->config->target_count; i++)
			nearest_offer(&near, r->config->targets[i].name);
		report_unknown_name(r, "target", name, near.best);
	}
	reader_leave(r, mark);
	return index;
}

static int step_named(const struct config_route *route, const char *name)
{
	for (size_t i = 0; i < route->step_count; i++) {
		if (route->steps[i].name != NULL && strcmp(route->steps[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static void check_step_name(struct config_reader *r, const struct config_route *route,
							const struct config_step *step)
{
	if (!reader_check_name(r, step->name))
		return;
	if (step_named(route, step->name) >= 0)
		reader_error(r, "a \"name\" for one of them", "two steps of this route are named \"%s\"", step->name);
}

/* The name of a step defaults to what is written as its target, even if there is no such target: then the
 * messages about other steps still name it. */
static void add_step(struct config_reader *r, struct config_route *route, const json_t *object)
{
	struct config_step step = { 0 };
	int target;

	reader_defaults(r, table_step(), &step);
	reader_section(r, table_step(), object, &step);
	reader_require(r, table_step(), object);
	target = target_of(r, object);
	step.target = target < 0 ? 0 : (size_t)target;
	if (step.name == NULL && json_is_string(json_object_get(object, "target")))
		step.name = mem_strdup(json_string_value(json_object_get(object, "target")));
	if (step.name != NULL)
		check_step_name(r, route, &step);
	route->steps[route->step_count++] = step;
}

/* Accepts the name of any step of the route, also of a later one; cycles are found when all steps are
 * read. */
static void add_after(struct config_reader *r, struct config_route *route, size_t index, const json_t *value)
{
	const char *name = json_string_value(value);
	struct nearest near = { .wanted = name };
	int before;

	if (name == NULL) {
		reader_error(r, "the name of a step", "this is %s", reader_kind_of(value));
		return;
	}
	before = step_named(route, name);
	if (before >= 0) {
		route->steps[index].after |= 1u << before;
		return;
	}
	for (size_t i = 0; i < route->step_count; i++) {
		if (i != index && route->steps[i].name != NULL)
			nearest_offer(&near, route->steps[i].name);
	}
	report_unknown_name(r, "step", name, near.best);
}

static void read_after(struct config_reader *r, struct config_route *route, size_t index,
					   const json_t *object)
{
	const json_t *value = json_object_get(object, "after");
	size_t mark = reader_enter(r, "after");
	size_t i;
	json_t *item;

	if (value != NULL && !json_is_array(value))
		add_after(r, route, index, value);
	json_array_foreach(value, i, item)
	{
		size_t inner = reader_enter_index(r, i);

		add_after(r, route, index, item);
		reader_leave(r, inner);
	}
	reader_leave(r, mark);
}

/* All steps first, then their `after`, which may name a later step. */
static void read_steps(struct config_reader *r, struct config_route *route, const json_t *array)
{
	size_t count = json_array_size(array);
	size_t index;
	json_t *item;

	if (!json_is_array(array) || count < 1 || count > CONFIG_STEPS_MAX) {
		reader_error(r, "an array of 1 to 32 steps", "this %s %s", json_is_array(array) ? "has" : "is",
					 !json_is_array(array) ? reader_kind_of(array)
					 : count == 0          ? "no step"
										   : "too many steps");
		return;
	}
	route->steps = mem_zalloc(count * sizeof(*route->steps));
	json_array_foreach(array, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		add_step(r, route, item);
		reader_leave(r, mark);
	}
	json_array_foreach(array, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		read_after(r, route, index, item);
		reader_leave(r, mark);
	}
}

/* ---- routes ---- */

static void check_route_name(struct config_reader *r, const struct config_route *route)
{
	int duplicate = config_find_route(r->config, str_of(route->name));

	if (reader_check_name(r, route->name) && duplicate >= 0)
		reader_error(r, NULL, "two routes are named \"%s\": this one and one in %s", route->name,
					 r->route_files.items[duplicate]);
}

/* A route with errors is not checked as a whole: its steps may be incomplete. */
static void fill_route(struct config_reader *r, const json_t *object, struct config_route *route)
{
	size_t errors = r->found->errors;
	const json_t *steps = json_object_get(object, "steps");
	size_t mark;

	reader_defaults(r, table_route(), route);
	reader_section(r, table_route(), object, route);
	reader_require(r, table_route(), object);
	check_match(r, route);
	if (route->name != NULL)
		check_route_name(r, route);
	mark = reader_enter(r, "steps");
	if (steps != NULL)
		read_steps(r, route, steps);
	reader_leave(r, mark);
	if (r->found->errors != errors)
		return;
	route_check_steps(r, route);
	route_check_reachable(r, route);
}

static void digest_route(const json_t *object, uint8_t out[DIGEST_BYTES])
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	digest_bytes(text, strlen(text), out);
	free(text);
}

static void add_route(struct config_reader *r, const json_t *object)
{
	struct config *config = r->config;
	struct config_route route = { 0 };

	fill_route(r, object, &route);
	digest_route(object, route.digest);
	config->routes = mem_grow(config->routes, (config->route_count + 1) * sizeof(route));
	config->routes[config->route_count++] = route;
	config_list_add(&r->route_files, r->doc->path);
}

void reader_routes(struct config_reader *r)
{
	const json_t *array = json_object_get(r->doc->root, "routes");
	size_t outer = reader_enter(r, "routes");
	size_t index;
	json_t *item;

	if (array != NULL && !json_is_array(array))
		reader_error(r, "an array of routes", "this is %s", reader_kind_of(array));
	json_array_foreach(array, index, item)
	{
		size_t mark = reader_enter_index(r, index);

		add_route(r, item);
		reader_leave(r, mark);
	}
	reader_leave(r, outer);
}
