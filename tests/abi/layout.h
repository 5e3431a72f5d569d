/* The offsets of the members of the interface's structs, according to one version of the header. */
#ifndef ALMONER_TESTS_ABI_LAYOUT_H
#define ALMONER_TESTS_ABI_LAYOUT_H

#include <stddef.h>

struct layout {
	const char *member;
	size_t offset;
	size_t size;
};

extern const struct layout layout_1_0[];
extern const struct layout layout_now[];
extern const size_t layout_count;

#endif
