#include "tests/support/vfs_fault.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

struct fault_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	struct vfs_fault fault;
};

struct fault_file {
	sqlite3_file file;
	struct fault_vfs *owner;
	const char *name;
	sqlite3_file *real; /* in the memory behind this struct */
};

static struct fault_vfs *vfs_of(sqlite3_vfs *vfs)
{
	return (struct fault_vfs *)(void *)vfs;
}

static struct fault_file *file_of(sqlite3_file *file)
{
	return (struct fault_file *)(void *)file;
}

/* ---- deciding ---- */

static bool concerns(const struct vfs_fault *f, enum vfs_op op, const char *name)
{
	if ((f->fail & op) == 0)
		return false;
	if (f->suffix == NULL)
		return true;
	size_t len = name != NULL ? strlen(name) : 0;
	size_t tail = strlen(f->suffix);
	return len >= tail && strcmp(name + len - tail, f->suffix) == 0;
}

static bool strikes(struct vfs_fault *f, enum vfs_op op, const char *name)
{
	if (!concerns(f, op, name))
		return false;
	if (f->countdown > 0) {
		f->countdown--;
		return false;
	}
	if (f->once)
		f->fail = 0;
	f->failed++;
	return true;
}

/* What the real one returns for such an error. */
static int code_of(const struct vfs_fault *f, enum vfs_op op)
{
	if (f->system_error == ENOSPC && (op == VFS_WRITE || op == VFS_TRUNCATE))
		return SQLITE_FULL;
	switch (op) {
	case VFS_WRITE:
		return SQLITE_IOERR_WRITE;
	case VFS_SYNC:
		return SQLITE_IOERR_FSYNC;
	case VFS_TRUNCATE:
		return SQLITE_IOERR_TRUNCATE;
	case VFS_READ:
		return SQLITE_IOERR_READ;
	case VFS_OPEN:
		return SQLITE_CANTOPEN;
	case VFS_SHARED_MEMORY:
		return SQLITE_IOERR_SHMMAP;
	}
	return SQLITE_IOERR;
}

#define STRIKE(f, op)                                                                                        \
	do {                                                                                                     \
		if (strikes(&(f)->owner->fault, (op), (f)->name))                                                    \
			return code_of(&(f)->owner->fault, (op));                                                        \
	} while (0)

/* ---- files ---- */

static int file_close(sqlite3_file *file)
{
	struct fault_file *f = file_of(file);
	return f->real->pMethods != NULL ? f->real->pMethods->xClose(f->real) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
	struct fault_file *f = file_of(file);
	STRIKE(f, VFS_READ);
	return f->real->pMethods->xRead(f->real, to, len, at);
}

static int file_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
	struct fault_file *f = file_of(file);
	f->owner->fault.writes++;
	STRIKE(f, VFS_WRITE);
	return f->real->pMethods->xWrite(f->real, from, len, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct fault_file *f = file_of(file);
	STRIKE(f, VFS_TRUNCATE);
	return f->real->pMethods->xTruncate(f->real, size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	struct fault_file *f = file_of(file);
	f->owner->fault.syncs++;
	STRIKE(f, VFS_SYNC);
	return f->real->pMethods->xSync(f->real, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return file_of(file)->real->pMethods->xFileSize(file_of(file)->real, ret);
}

static int file_lock(sqlite3_file *file, int level)
{
	return file_of(file)->real->pMethods->xLock(file_of(file)->real, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return file_of(file)->real->pMethods->xUnlock(file_of(file)->real, level);
}

static int file_check_lock(sqlite3_file *file, int *ret)
{
	return file_of(file)->real->pMethods->xCheckReservedLock(file_of(file)->real, ret);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	return file_of(file)->real->pMethods->xFileControl(file_of(file)->real, op, arg);
}

static int file_sector(sqlite3_file *file)
{
	return file_of(file)->real->pMethods->xSectorSize(file_of(file)->real);
}

static int file_characteristics(sqlite3_file *file)
{
	return file_of(file)->real->pMethods->xDeviceCharacteristics(file_of(file)->real);
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
	struct fault_file *f = file_of(file);
	STRIKE(f, VFS_SHARED_MEMORY);
	return f->real->pMethods->xShmMap(f->real, page, size, extend, ret);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return file_of(file)->real->pMethods->xShmLock(file_of(file)->real, offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	file_of(file)->real->pMethods->xShmBarrier(file_of(file)->real);
}

static int file_shm_unmap(sqlite3_file *file, int delete)
{
	return file_of(file)->real->pMethods->xShmUnmap(file_of(file)->real, delete);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* no memory-mapped reading: it would pass us by */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

/* ---- the VFS ---- */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct fault_vfs *v = vfs_of(vfs);
	struct fault_file *f = file_of(file);
	f->owner = v;
	f->name = name;
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->file.pMethods = NULL; /* nothing to close when opening fails */
	STRIKE(f, VFS_OPEN);
	int rc = v->real->xOpen(v->real, name, f->real, flags, ret_flags);
	if (rc == SQLITE_OK)
		f->file.pMethods = &methods;
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	return vfs_of(vfs)->real->xDelete(vfs_of(vfs)->real, name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	return vfs_of(vfs)->real->xAccess(vfs_of(vfs)->real, name, flags, ret);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int capacity, char *out)
{
	return vfs_of(vfs)->real->xFullPathname(vfs_of(vfs)->real, name, capacity, out);
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *out)
{
	return vfs_of(vfs)->real->xRandomness(vfs_of(vfs)->real, len, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
	return vfs_of(vfs)->real->xSleep(vfs_of(vfs)->real, us);
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
	return vfs_of(vfs)->real->xCurrentTimeInt64(vfs_of(vfs)->real, ret);
}

static int vfs_last_error(sqlite3_vfs *vfs, int capacity, char *out)
{
	struct fault_vfs *v = vfs_of(vfs);
	return v->fault.failed > 0 ? v->fault.system_error : v->real->xGetLastError(v->real, capacity, out);
}

struct vfs_fault *vfs_fault_install(const char *name)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);
	assert(real != NULL);
	struct fault_vfs *v = mem_zalloc(sizeof *v);
	v->real = real;
	v->vfs = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = (int)sizeof(struct fault_file) + real->szOsFile,
		.mxPathname = real->mxPathname,
		.zName = name,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xGetLastError = vfs_last_error,
		.xCurrentTimeInt64 = vfs_time,
	};
	int rc = sqlite3_vfs_register(&v->vfs, 0);
	assert(rc == SQLITE_OK);
	return &v->fault;
}

void vfs_fault_remove(const char *name)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(name);
	assert(vfs != NULL && vfs->xOpen == vfs_open);
	int rc = sqlite3_vfs_unregister(vfs);
	assert(rc == SQLITE_OK);
	free(vfs_of(vfs));
}
