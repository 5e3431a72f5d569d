/* Growing arrays. Each element type keeps its own pointer and count; these macros only make space for one
 * more element. Their arguments are evaluated more than once. Like all of mem.h they end the process when
 * memory runs out; an array whose length a peer decides must be limited by the caller. Thread: any. */
#ifndef ALMONER_BASE_ARRAY_H
#define ALMONER_BASE_ARRAY_H

#include "saga/base/mem.h"

/* The capacity that follows `capacity`; growth by a factor keeps the cost of an append constant. 16 is chosen
 * so that short arrays are allocated once; no measurement. */
#define ARRAY_NEXT_CAPACITY(capacity) ((capacity) * 2 + 16)

/* Makes items[count] exist, for an array that stores its capacity. Use this where the array is emptied and
 * filled again: it never shrinks. items: pointer or NULL while capacity is 0. */
#define ARRAY_GROW(items, count, capacity)                                                                   \
	do {                                                                                                     \
		if ((count) >= (capacity)) {                                                                         \
			(capacity) = ARRAY_NEXT_CAPACITY(capacity);                                                      \
			(items) = mem_grow_array((items), (capacity), sizeof((items)[0]));                               \
		}                                                                                                    \
	} while (0)

/* Makes items[count] exist, for an array that stores no capacity and only grows: its capacity is always the
 * smallest power of two that holds `count`. items: pointer or NULL while count is 0. */
#define ARRAY_GROW_BY_COUNT(items, count)                                                                    \
	do {                                                                                                     \
		if (((count) & ((count) - 1)) == 0)                                                                  \
			(items) = mem_grow_array((items), (count) == 0 ? 1 : (size_t)(count) * 2, sizeof((items)[0]));   \
	} while (0)

#endif
