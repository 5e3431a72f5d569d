/* The disk under the store: free space, missing files, a write-ahead log that grows, and operations on files
 * that fail. The journal sees it through the functions of the store that disk_attach replaces, and through
 * the SQLite VFS of tests/support/vfs_fault.h. */
#ifndef ALMONER_TESTS_SIM_DISK_H
#define ALMONER_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/journal/journal.h"
#include "saga/store/store.h"
#include "tests/support/vfs_fault.h"

#define DISK_VFS           "simulated-disk"
#define DISK_RESERVE_BYTES 400000

struct simulation;

/* What can be wrong with the disk for a while. The argument of SIM_EVENT_DISK is 2 * trouble, and 1 more when
 * the trouble begins. */
enum disk_trouble {
	TROUBLE_NO_SPACE,        /* less than the reserve is free */
	TROUBLE_EDGE,            /* the reserve is free, and a little more: not enough to leave the low state */
	TROUBLE_FILES_GONE,      /* the files of the store were moved away */
	TROUBLE_WAL_BLOCKED,     /* a reader of another process keeps checkpoints from copying pages */
	TROUBLE_CHECKPOINT_FULL, /* a checkpoint finds no free space */
	TROUBLE_COUNT
};

struct disk {
	int64_t reserve_bytes; /* of the journal; 0: it does not read the free space */
	bool has[TROUBLE_COUNT];
	int64_t changed_ms; /* since when `has` is as it is, or the process runs */
	bool wal_long;      /* pages that could not be copied wait for the next checkpoint */
	struct vfs_fault *fault;
	bool loses; /* the next commit reports that the store is lost */
	bool lost;  /* a commit has reported it; until the next cell begins */
	/* As the journal has reported it. */
	bool low, wal_blocked;
	bool low_all_turn; /* the disk was low during the whole present turn of the journal */
};

void disk_plan(struct simulation *w);
void disk_event(struct simulation *w, uint64_t arg); /* SIM_EVENT_DISK */
/* SIM_EVENT_FAULT. 0: some later write or sync fails; 1: the next commit finds the store lost. */
void disk_arm_fault(struct simulation *w, uint64_t arg);
void disk_heal(struct simulation *w);
/* Replaces functions of the store that was just opened. One simulation at a time. */
void disk_attach(struct simulation *w, struct store_writer *store);
/* The journal's hook. */
void disk_on_news(void *ctx, enum disk_news news, int64_t bytes);
/* A cell begins: what the last one knew of the disk is forgotten, and the broken disk is replaced, unless
 * it stays broken for the next start as well. */
void disk_process_begins(struct simulation *w);
void disk_turn_begins(struct simulation *w);
/* An operation on a file has failed in this process. */
bool disk_has_failed(const struct simulation *w);
/* The same, or the store is lost: callers get errors. */
bool disk_store_failed(const struct simulation *w);
void disk_replace(struct simulation *w); /* from now on no operation fails */
/* The journal notices within its bound when the disk becomes low, and when it no longer is. */
void disk_check(struct simulation *w);

#endif
