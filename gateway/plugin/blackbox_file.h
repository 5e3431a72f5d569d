/* The layout of the black box's file, and the reports that the next start makes of it. Internal to this
 * module. */
#ifndef ALMONER_PLUGIN_BLACKBOX_FILE_H
#define ALMONER_PLUGIN_BLACKBOX_FILE_H

#include <stdatomic.h>

#include "gateway/plugin/blackbox.h"

/* the number that identifies the layout of the file: another layout needs another number */
#define BLACKBOX_MAGIC  0x786f62616e6f6d31u
#define BLACKBOX_DEATHS 64 /* steps whose deaths are counted; chosen, no measurement */

enum blackbox_slot_state { SLOT_FREE = 0, SLOT_ENTERED = 1, SLOT_CRASHED = 2, SLOT_HUNG = 3 };

struct blackbox_slot {
	_Atomic uint32_t state; /* enum blackbox_slot_state */
	_Atomic uint32_t tid;   /* kernel's number of the thread inside; 0: the slot is free */
	_Atomic uint64_t calls; /* grows with each call, so that the watchdog can distinguish calls */
	uint32_t signal;
	struct blackbox_call call;
};

/* How often the process died while the connector of one step was running. */
struct blackbox_death {
	struct blackbox_call call;
	uint32_t count;
};

struct blackbox_file {
	uint64_t magic;
	struct blackbox_slot slots[BLACKBOX_SLOTS];
	uint32_t report_count;
	struct blackbox_report reports[BLACKBOX_SLOTS]; /* kept until blackbox_settle */
	uint32_t death_next;                            /* index of the oldest entry, which is overwritten next */
	struct blackbox_death deaths[BLACKBOX_DEATHS];
};

/* Turns the slots that were in use into reports, counts the deaths and frees the slots. A file of another
 * layout, or a damaged one, is cleared: no step is blamed. */
void blackbox_file_take_over(struct blackbox_file *file);

#endif
