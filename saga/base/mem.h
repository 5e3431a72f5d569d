/* Allocation that never returns NULL. When memory for a small object runs out, the process ends; what was
 * acknowledged is on disk, and a restart continues from there. Memory whose size a peer decides goes through
 * a limited `struct buf` instead, which reports an overflow. Thread: any. */
#ifndef ALMONER_BASE_MEM_H
#define ALMONER_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *mem_grow(void *old, size_t bytes) __attribute__((returns_nonnull));
/* mem_grow for `count` elements of `item_bytes`; a product that overflows counts as out of memory. */
void *mem_grow_array(void *old, size_t count, size_t item_bytes) __attribute__((returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
/* Copies `len` bytes and adds a NUL. */
char *mem_strndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
/* printf into a new string, which the caller frees. */
char *mem_printf(const char *fmt, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Replaces an owned text: frees `*slot` and puts a copy of `text` there, or NULL if `text` is NULL. */
void mem_set_text(char **slot, const char *text);

/* For `char *text AUTO_FREE = ...;`: the memory is freed at the end of the scope. */
void mem_cleanup_free(void *slot);
#define AUTO_FREE __attribute__((cleanup(mem_cleanup_free)))

#endif
