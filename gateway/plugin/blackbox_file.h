/* Layout of the black box's file, and what is made of it at the next start. Private to the plugin room. */
#ifndef ALMONER_PLUGIN_BLACKBOX_FILE_H
#define ALMONER_PLUGIN_BLACKBOX_FILE_H

#include <stdatomic.h>

#include "gateway/plugin/blackbox.h"

#define BLACKBOX_MAGIC  0x786f62616e6f6d31u /* another layout: another number */
#define BLACKBOX_DEATHS 64

enum blackbox_slot_state { SLOT_FREE = 0, SLOT_ENTERED = 1, SLOT_CRASHED = 2, SLOT_HUNG = 3 };

struct blackbox_slot {
	_Atomic uint32_t state; /* enum blackbox_slot_state */
	_Atomic uint32_t tid;   /* of the thread inside; 0: free */
	_Atomic uint64_t calls; /* grows with every call: how the watchdog tells one from the next */
	uint32_t signal;
	struct blackbox_call call;
};

/* A step in whose connector the process died without a sign. */
struct blackbox_death {
	struct blackbox_call call;
	uint32_t count;
};

struct blackbox_file {
	uint64_t magic;
	struct blackbox_slot slots[BLACKBOX_SLOTS];
	uint32_t report_count;
	struct blackbox_report reports[BLACKBOX_SLOTS]; /* not settled yet */
	uint32_t death_next;                            /* the oldest entry, overwritten next */
	struct blackbox_death deaths[BLACKBOX_DEATHS];
};

/* Turns the slots that were in use into reports, counts deaths, frees the slots. A file of another layout, or
 * one that makes no sense, is started afresh: it blames nobody. */
void blackbox_file_take_over(struct blackbox_file *file);

#endif
