#include "saga/store/sqlite/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"

int files_sync(struct db *db, struct err *err)
{
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
	return rc == SQLITE_OK ? 0 : db_error(db, rc, "cannot sync the store's file", err);
}

int files_sync_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder AUTO_FREE = slash == NULL ? mem_strdup(".") : mem_strndup(path, (size_t)(slash - path) + 1);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	int saved_errno = errno;
	if (fd >= 0)
		(void)close(fd); /* opened for fsync only */
	return rc == 0 ? 0 : err_set(err, ERR_IO, "syncing folder %s: %s", folder, strerror(saved_errno));
}

char *files_immutable_uri(const char *path)
{
	struct buf uri = { 0 };
	buf_text(&uri, "file:");
	for (const char *p = path; *p != '\0'; p++)
		if (strchr("?#%", *p) != NULL)
			buf_printf(&uri, "%%%02x", (unsigned)(unsigned char)*p);
		else
			buf_byte(&uri, (uint8_t)*p);
	buf_text(&uri, "?immutable=1");
	return buf_take(&uri);
}
