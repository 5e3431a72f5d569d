#include <string.h>

#include "saga/base/mem.h"
#include "saga/store/store.h"

struct rejected_row store_rejected_copy(const struct rejected_row *row, char **ret_block, size_t *ret_bytes)
{
	struct rejected_row copy = *row;
	struct str *const texts[] = { &copy.source, &copy.address, &copy.url, &copy.headers, &copy.body };
	size_t count = sizeof texts / sizeof texts[0], bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += texts[i]->len;
	char *at = *ret_block = mem_alloc(bytes + 1);
	*ret_bytes = bytes;
	for (size_t i = 0; i < count; i++) {
		if (texts[i]->len > 0)
			memcpy(at, texts[i]->p, texts[i]->len);
		texts[i]->p = at;
		at += texts[i]->len;
	}
	return copy;
}
