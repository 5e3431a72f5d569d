/* The offsets of the members of the interface's structs, according to one version of the header. */
#ifndef ALMONER_TESTS_ABI_LAYOUT_H
#define ALMONER_TESTS_ABI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

struct layout {
	const char *member; /* or the name of a whole struct */
	size_t offset;
	size_t size;
	bool fixed; /* the size must not grow either: other structs contain this struct, or a list of it */
};

/* Each ends with an entry whose member is NULL. */
extern const struct layout layout_1_0[];
extern const struct layout layout_1_1[];
extern const struct layout layout_now[];

#endif
