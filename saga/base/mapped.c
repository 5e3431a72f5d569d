#include "saga/base/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* posix_fallocate before mmap: a write to a mapped page without disk space would kill the process with
 * SIGBUS. */
int mapped_open(const char *what, const char *path, size_t bytes, void **ret, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(err, ERR_IO, "%s %s: %s", what, path, strerrordesc_np(errno));
	int rc = posix_fallocate(fd, 0, (off_t)bytes);
	void *pages = MAP_FAILED;
	if (rc == 0) {
		pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		rc = pages == MAP_FAILED ? errno : 0;
	}
	close(fd);
	if (rc != 0)
		return err_set(err, ERR_IO, "%s %s: %s", what, path, strerrordesc_np(rc));
	*ret = pages;
	return 0;
}

void mapped_close(void *pages, size_t bytes)
{
	munmap(pages, bytes);
}
