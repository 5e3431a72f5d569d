/* Black box: survives the death of the process and says which step's connector was running.
 *
 * A small file is mapped and shared; before each call into a plugin the step is written into it, after the
 * call it is cleared. A handler for SEGV, BUS, FPE, ILL and ABRT marks the call of the dying thread, a
 * watchdog thread marks a call that takes too long and aborts the process. Neither memory nor a system call
 * is needed to enter or leave. */
#ifndef ALMONER_PLUGIN_BLACKBOX_H
#define ALMONER_PLUGIN_BLACKBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saga/base/check.h"
#include "saga/base/err.h"

#define BLACKBOX_LIMIT_MS   5000
#define BLACKBOX_SLOTS      8 /* threads that may be inside a plugin at the same time */
#define BLACKBOX_NAME_BYTES 80

/* Longer names are cut. */
struct blackbox_call {
	uint64_t saga; /* 0: no step, the target was being opened or closed */
	uint32_t generation;
	uint32_t attempt;
	uint32_t purpose; /* enum almoner_purpose */
	char step[BLACKBOX_NAME_BYTES];
	char target[BLACKBOX_NAME_BYTES];
};

enum blackbox_end {
	BLACKBOX_CRASHED = 1, /* a signal of the program itself, in the connector's call */
	BLACKBOX_HUNG = 2,    /* the watchdog ended the process */
	BLACKBOX_KILLED = 3   /* a call was under way and no handler ran: kill -9, out of memory, power loss */
};

struct blackbox_report {
	struct blackbox_call call;
	uint32_t end_kind; /* enum blackbox_end */
	uint32_t signal;   /* for CRASHED */
	uint32_t deaths;   /* of this step (saga, step, generation, purpose), this one included */
	bool blamed;       /* crashed, hung, or the second death: the step goes to attention(fault) */
};

struct blackbox_settings {
	const char *path; /* the file; made when missing */
	int64_t limit_ms; /* of one call; 0: BLACKBOX_LIMIT_MS */
};

struct blackbox;

/* Maps the file, keeps what it says of the previous run, installs the handlers and starts the watchdog. One
 * box a process; the caller holds the lock that keeps other processes out. ERR_IO, ERR_BUSY (open already).
 */
int blackbox_open(const struct blackbox_settings *settings, struct blackbox **ret_box,
				  struct err *err) MUST_CHECK;
/* Stops the watchdog, puts the old handlers back, unmaps. Nobody may be inside. NULL is accepted. */
void blackbox_close(struct blackbox *box);

/* How the previous run ended: one report per call that was under way, 0 when none was (a clean end, or a
 * death outside connectors). The same reports come at every start until they are settled. */
size_t blackbox_read_previous(const struct blackbox *box, struct blackbox_report ret_reports[BLACKBOX_SLOTS]);
/* The reports are dealt with durably (the journal has the blame): forget them. */
void blackbox_settle(struct blackbox *box);

/* Around every call into a plugin; returns what `leave` wants. A call inside a call is not allowed. `box` may
 * be NULL (then both do nothing). Thread: any. */
int blackbox_enter(struct blackbox *box, const struct blackbox_call *call);
void blackbox_leave(struct blackbox *box, int slot);

/* "crashed", "hung", "killed"; "?" otherwise. */
const char *blackbox_end_name(uint32_t end_kind);

#endif
