/* An SQLite VFS on top of the default one. It counts the operations on files and lets them fail like a full disk or a
 * disk with I/O errors. Give its name as `vfs` when opening a store. */
#ifndef ALMONER_TESTS_SUPPORT_VFS_FAULT_H
#define ALMONER_TESTS_SUPPORT_VFS_FAULT_H

#include <stdbool.h>

enum vfs_op {
	VFS_WRITE = 1 << 0,
	VFS_SYNC = 1 << 1,
	VFS_TRUNCATE = 1 << 2,
	VFS_READ = 1 << 3,
	VFS_OPEN = 1 << 4,
	VFS_SHARED_MEMORY = 1 << 5 /* mapping the -shm file */
};

/* Change it between calls of the store, from the thread that uses the store. */
struct vfs_fault {
	unsigned fail;      /* enum vfs_op: which operations may fail; 0: none */
	const char *suffix; /* only of files whose name ends so ("-wal"); NULL: all */
	int system_error;   /* ENOSPC or EIO */
	long countdown;     /* this many pass first */
	bool once;          /* only one fails, the next succeed again; else all after it fail too */
	long failed;        /* how many did */
	long writes;        /* operations seen, failed ones too */
	long syncs;
};

/* Registers it; `name` must live until vfs_fault_remove. */
struct vfs_fault *vfs_fault_install(const char *name);
/* After every connection that used it is closed. */
void vfs_fault_remove(const char *name);

#endif
