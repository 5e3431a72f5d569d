/* The black box: a file that survives the death of the process and says which step's connector was running.
 *
 * The file is small and mapped into memory. Before each call into a plugin the step is written into it;
 * after the call it is cleared. A handler for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT marks the call
 * of the dying thread. A watchdog thread marks a call that takes too long and aborts the process. Entering
 * and leaving a call allocates no memory and makes no system call. */
#ifndef ALMONER_PLUGIN_BLACKBOX_H
#define ALMONER_PLUGIN_BLACKBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saga/base/check.h"
#include "saga/base/err.h"

#define BLACKBOX_LIMIT_MS   5000 /* the longest call into a plugin; promised by the connector header */
#define BLACKBOX_SLOTS      8    /* threads inside plugins at the same time; the daemon has few */
#define BLACKBOX_NAME_BYTES 80   /* bytes of a name in the file, with its NUL; longer names are cut */

/* What the file says of one call into a plugin. */
struct blackbox_call {
	uint64_t saga; /* 0: no step; the target's connector was being opened or closed */
	uint32_t generation;
	uint32_t attempt;
	uint32_t purpose; /* enum almoner_purpose */
	char step[BLACKBOX_NAME_BYTES];
	char target[BLACKBOX_NAME_BYTES];
};

enum blackbox_end {
	BLACKBOX_CRASHED = 1, /* a fatal signal arrived in the thread that was inside the connector */
	BLACKBOX_HUNG = 2,    /* the call took too long and the watchdog ended the process */
	BLACKBOX_KILLED = 3   /* a call was under way and no handler ran: kill -9, out of memory, power failure */
};

struct blackbox_report {
	struct blackbox_call call;
	uint32_t end_kind; /* enum blackbox_end */
	uint32_t signal;   /* of BLACKBOX_CRASHED; else 0 */
	uint32_t deaths;   /* how often the process has died in this step, this time included */
	/* the connector crashed or hung in this step, or the process died in it twice: the step goes to
	 * attention(fault) */
	bool blamed;
};

struct blackbox_settings {
	const char *path; /* the path of the file, which is created when missing */
	int64_t limit_ms; /* of one call; 0: BLACKBOX_LIMIT_MS */
};

struct blackbox;

/* Maps the file, turns what it says of the previous process into reports, installs the handlers and starts
 * the watchdog. A process has at most one open box; the caller holds the lock that keeps other processes
 * out. ERR_IO; ERR_SYSTEM; ERR_BUSY: a box is open already. */
int blackbox_open(const struct blackbox_settings *settings, struct blackbox **ret_box,
				  struct err *err) MUST_CHECK;
/* Stops the watchdog, restores the old handlers and unmaps the file. No thread may be inside a call. NULL
 * is accepted. */
void blackbox_close(struct blackbox *box);

/* Copies one report for each call that was under way when the previous process died, and returns how many.
 * 0: it ended cleanly, or died outside of connectors. The same reports come at every start until
 * blackbox_settle. */
size_t blackbox_read_previous(const struct blackbox *box, struct blackbox_report ret_reports[BLACKBOX_SLOTS]);
/* Forgets the reports: the journal has made their consequences durable. */
void blackbox_settle(struct blackbox *box);

/* To be called before and after each call into a plugin. blackbox_enter returns the slot for
 * blackbox_leave; a negative one means that the call is not watched. A thread inside a call must not enter
 * another one. `box` NULL: no call is watched. Thread: any. */
int blackbox_enter(struct blackbox *box, const struct blackbox_call *call);
void blackbox_leave(struct blackbox *box, int slot);

/* "crashed", "hung" or "killed", for the log; "?" for other values. */
const char *blackbox_end_name(uint32_t end_kind);

#endif
