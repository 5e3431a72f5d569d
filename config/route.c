#include "config/route.h"

#include <string.h>

#include "config/list.h"
#include "saga/base/mem.h"

/* Backtracks to the last "*" only, which is enough because every "*" can match any run. */
bool route_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++resume;
		} else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* True if `wide` matches every text that `narrow` matches. It does if it matches the pattern `narrow` as a
 * text, except that a "?" in `wide` must not match a "*". */
static bool glob_covers(const char *wide, const char *narrow)
{
	if (strchr(wide, '?') != NULL && strchr(narrow, '*') != NULL)
		return strcmp(wide, narrow) == 0;
	return route_glob(wide, narrow);
}

static bool types_cover(const struct config_list *wide, const struct config_list *narrow)
{
	if (wide->count == 0)
		return true;
	for (size_t i = 0; i < narrow->count; i++) {
		size_t j = 0;

		while (j < wide->count && !glob_covers(wide->items[j], narrow->items[i]))
			j++;
		if (j == wide->count)
			return false;
	}
	return narrow->count > 0;
}

static bool sources_cover(const struct config_list *wide, const struct config_list *narrow)
{
	if (wide->count == 0)
		return true;
	for (size_t i = 0; i < narrow->count; i++) {
		if (!config_list_has(wide, narrow->items[i]))
			return false;
	}
	return narrow->count > 0;
}

/* Two conditions `where` are compared as text only. */
bool route_shadows(const struct config_route *earlier, const struct config_route *later)
{
	if (earlier->where != NULL && (later->where == NULL || strcmp(earlier->where, later->where) != 0))
		return false;
	return sources_cover(&earlier->sources, &later->sources) && types_cover(&earlier->types, &later->types);
}

void route_ancestors(const struct config_route *route, uint32_t ret_masks[CONFIG_STEPS_MAX])
{
	for (size_t i = 0; i < route->step_count; i++)
		ret_masks[i] = route->steps[i].after;
	/* Each round doubles the length of the known paths; 2^6 is more than CONFIG_STEPS_MAX. */
	for (size_t round = 0; round < 6; round++) {
		for (size_t i = 0; i < route->step_count; i++) {
			for (size_t j = 0; j < route->step_count; j++) {
				if ((ret_masks[i] >> j & 1) != 0)
					ret_masks[i] |= ret_masks[j];
			}
		}
	}
}

int route_cycle(const struct config_route *route)
{
	uint32_t ancestors[CONFIG_STEPS_MAX] = { 0 };

	route_ancestors(route, ancestors);
	for (size_t i = 0; i < route->step_count; i++) {
		if ((ancestors[i] >> i & 1) != 0)
			return (int)i;
	}
	return -1;
}

/* Takes, again and again, the first step whose predecessors are all taken; then renumbers the `after`
 * masks. */
void route_sort(struct config_route *route)
{
	struct config_step sorted[CONFIG_STEPS_MAX];
	size_t new_index[CONFIG_STEPS_MAX] = { 0 };
	uint32_t sorted_mask = 0;

	for (size_t count = 0; count < route->step_count; count++) {
		size_t i = 0;

		while ((sorted_mask >> i & 1) != 0 || (route->steps[i].after & ~sorted_mask) != 0)
			i++;
		assert(i < route->step_count);
		sorted[count] = route->steps[i];
		new_index[i] = count;
		sorted_mask |= 1u << i;
	}
	for (size_t i = 0; i < route->step_count; i++) {
		uint32_t after = 0;

		for (size_t j = 0; j < route->step_count; j++) {
			if ((sorted[i].after >> j & 1) != 0)
				after |= 1u << new_index[j];
		}
		sorted[i].after = after;
	}
	memcpy(route->steps, sorted, route->step_count * sizeof(sorted[0]));
}

/* An empty list of sources or types matches every event. */
bool config_route_takes(const struct config_route *route, struct str source, struct str type)
{
	char *name AUTO_FREE = NULL;
	char *kind AUTO_FREE = NULL;

	if (route->sources.count > 0) {
		name = mem_strndup(source.p, source.len);
		if (!config_list_has(&route->sources, name))
			return false;
	}
	if (route->types.count == 0)
		return true;
	kind = mem_strndup(type.p, type.len);
	for (size_t i = 0; i < route->types.count; i++) {
		if (route_glob(route->types.items[i], kind))
			return true;
	}
	return false;
}
