#include "gateway/plugin/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 64 /* connectors have about 10; chosen */

/* Whether `bytes` bytes at `offset` lie within a file of `size` bytes. The ELF gABI says where they must
 * lie: a segment has p_filesz bytes at p_offset, the section table stands at e_shoff. */
static bool in_range(uint64_t offset, uint64_t bytes, uint64_t size)
{
	return offset <= size && bytes <= size - offset;
}

static bool read_at(int fd, void *to, size_t bytes, uint64_t at)
{
	return pread(fd, to, bytes, (off_t)at) == (ssize_t)bytes;
}

static bool segments_in_range(int fd, const ElfW(Ehdr) * head, uint64_t size)
{
	ElfW(Phdr) segments[SEGMENTS_MAX];
	size_t bytes = (size_t)head->e_phnum * sizeof segments[0];
	if (head->e_phnum == 0 || head->e_phnum > SEGMENTS_MAX || head->e_phentsize != sizeof segments[0] ||
		!in_range(head->e_phoff, bytes, size) || !read_at(fd, segments, bytes, head->e_phoff))
		return false;
	for (size_t i = 0; i < head->e_phnum; i++)
		if (!in_range(segments[i].p_offset, segments[i].p_filesz, size))
			return false;
	return in_range(head->e_shoff, (uint64_t)head->e_shnum * head->e_shentsize, size);
}

static const char *fault_of(int fd)
{
	struct stat found;
	ElfW(Ehdr) head;
	if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
		return "the file is not a regular file";
	if (!read_at(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return "the file is not a shared object";
	if (head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		return "the file was built for another word size";
	if (!segments_in_range(fd, &head, (uint64_t)found.st_size))
		return "the file is shorter than its headers say, perhaps copied only in part; copy it under another "
			   "name, then rename it";
	return NULL;
}

int elf_file_check(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, ERR_REFUSED, "cannot be read: %s", strerror(errno));
	const char *fault = fault_of(fd);
	close(fd);
	return fault != NULL ? err_set(err, ERR_REFUSED, "%s", fault) : 0;
}
