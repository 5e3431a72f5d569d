#include "gateway/admin/verbs/held_targets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

static bool config_pauses(const struct config *config, const char *name)
{
	int at = config_find_target(config, str_of(name));
	return at >= 0 && config->targets[at].paused;
}

int held_targets_read(struct store_reader *reader, const struct config *config, struct held_targets *ret,
					  struct err *err)
{
	struct target_row *rows = NULL;
	size_t count = 0;
	int rc = reader->targets(reader->ctx, &rows, &count, err);
	if (rc != 0)
		return rc;
	*ret = (struct held_targets){ .items = mem_zalloc((count + 1) * sizeof *ret->items) };
	for (size_t i = 0; i < count; i++)
		if (rows[i].paused || rows[i].held || config_pauses(config, rows[i].name))
			snprintf(ret->items[ret->count++].name, sizeof ret->items->name, "%s", rows[i].name);
	free(rows);
	return 0;
}

void held_targets_finish(struct held_targets *held)
{
	free(held->items);
	*held = (struct held_targets){ 0 };
}

static void count_step(struct held_targets *held, const char *target)
{
	for (size_t i = 0; i < held->count; i++)
		if (strcmp(held->items[i].name, target) == 0)
			held->items[i].steps++;
}

void held_targets_count(struct held_targets *held, const struct saga *s)
{
	assert(s->plan != NULL);
	for (unsigned i = 0; i < s->step_count; i++)
		if (s->steps[i].state == STEP_READY || s->steps[i].state == STEP_RETRY_WAIT)
			count_step(held, s->plan->steps[i].target);
}

int64_t held_targets_total(const struct held_targets *held)
{
	int64_t total = 0;
	for (size_t i = 0; i < held->count; i++)
		total += held->items[i].steps;
	return total;
}

static void add_count(struct held_targets *held, const char *target, int64_t steps)
{
	for (size_t i = 0; i < held->count; i++)
		if (strcmp(held->items[i].name, target) == 0) {
			held->items[i].steps += steps;
			return;
		}
	held->items = mem_grow(held->items, (held->count + 1) * sizeof *held->items);
	struct held_target *item = &held->items[held->count++];
	*item = (struct held_target){ .steps = steps };
	snprintf(item->name, sizeof item->name, "%s", target);
}

void held_targets_add_json(struct held_targets *held, const char *counted)
{
	assert(counted != NULL);
	json_t *object = *counted != '\0' ? json_loads(counted, 0, NULL) : NULL;
	const char *name;
	json_t *steps;
	json_object_foreach(object, name, steps) add_count(held, name, json_integer_value(steps));
	json_decref(object);
}

json_t *held_targets_json(const struct held_targets *held)
{
	json_t *object = json_object();
	for (size_t i = 0; i < held->count; i++)
		if (held->items[i].steps > 0)
			json_object_set_new(object, held->items[i].name, json_integer(held->items[i].steps));
	return object;
}

const char *held_targets_most(const struct held_targets *held)
{
	const struct held_target *most = NULL;
	for (size_t i = 0; i < held->count; i++)
		if (held->items[i].steps > 0 && (most == NULL || held->items[i].steps > most->steps))
			most = &held->items[i];
	return most != NULL ? most->name : "";
}
