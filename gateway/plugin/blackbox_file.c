#include "gateway/plugin/blackbox_file.h"

#include <string.h>

static bool same_step(const struct blackbox_call *a, const struct blackbox_call *b)
{
	return a->saga == b->saga && a->generation == b->generation && a->purpose == b->purpose &&
		   strcmp(a->step, b->step) == 0 && strcmp(a->target, b->target) == 0;
}

static bool terminated(const char *name)
{
	return memchr(name, '\0', BLACKBOX_NAME_BYTES) != NULL;
}

static bool call_is_valid(const struct blackbox_call *call)
{
	return terminated(call->step) && terminated(call->target);
}

static bool file_is_valid(const struct blackbox_file *file)
{
	if (file->magic != BLACKBOX_MAGIC || file->report_count > BLACKBOX_SLOTS ||
		file->death_next >= BLACKBOX_DEATHS)
		return false;
	for (size_t i = 0; i < BLACKBOX_SLOTS; i++)
		if (!call_is_valid(&file->slots[i].call) || !call_is_valid(&file->reports[i].call))
			return false;
	for (size_t i = 0; i < BLACKBOX_DEATHS; i++)
		if (!call_is_valid(&file->deaths[i].call))
			return false;
	return true;
}

/* Returns how often the process has died in this step, this time included. */
static uint32_t count_death(struct blackbox_file *file, const struct blackbox_call *call)
{
	for (size_t i = 0; i < BLACKBOX_DEATHS; i++)
		if (file->deaths[i].count > 0 && same_step(&file->deaths[i].call, call))
			return ++file->deaths[i].count;
	file->deaths[file->death_next] = (struct blackbox_death){ *call, 1 };
	file->death_next = (file->death_next + 1) % BLACKBOX_DEATHS;
	return 1;
}

static void report_slot(struct blackbox_file *file, const struct blackbox_slot *slot, uint32_t state)
{
	if (file->report_count == BLACKBOX_SLOTS)
		return;
	struct blackbox_report *r = &file->reports[file->report_count++];
	*r = (struct blackbox_report){ .call = slot->call,
								   .end_kind = state == SLOT_CRASHED ? BLACKBOX_CRASHED
											   : state == SLOT_HUNG  ? BLACKBOX_HUNG
																	 : BLACKBOX_KILLED,
								   .deaths = count_death(file, &slot->call) };
	r->signal = state == SLOT_CRASHED ? slot->signal : 0;
	r->blamed = state != SLOT_ENTERED || r->deaths >= 2;
}

/* The file is data from another process and is checked before anything in it is used. */
void blackbox_file_take_over(struct blackbox_file *file)
{
	if (!file_is_valid(file)) {
		memset(file, 0, sizeof *file);
		file->magic = BLACKBOX_MAGIC;
	}
	for (size_t i = 0; i < BLACKBOX_SLOTS; i++) {
		struct blackbox_slot *slot = &file->slots[i];
		uint32_t state = atomic_load(&slot->state);
		if (state == SLOT_ENTERED || state == SLOT_CRASHED || state == SLOT_HUNG)
			report_slot(file, slot, state);
		atomic_store(&slot->state, SLOT_FREE);
		atomic_store(&slot->tid, 0);
	}
}
