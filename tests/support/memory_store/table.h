/* Ordered tables whose rows have two versions: the committed one, which readers see, and the one of an open
 * transaction. Nothing is ever changed in place, so a commit or a rollback only drops one of the two. Not
 * locked. */
#ifndef ALMONER_TESTS_SUPPORT_MEMORY_STORE_TABLE_H
#define ALMONER_TESTS_SUPPORT_MEMORY_STORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ordered by `a`, then by `b`. */
struct memory_key {
	uint64_t a, b;
};

/* One version of a row; immutable. */
struct memory_value {
	size_t refs;
	void (*finish)(void *row); /* drops what the row owns; NULL: nothing */
	max_align_t row[];
};

/* A new value with one reference. `row` is copied, and so are the texts: `texts` has the offsets of the members
 * of type struct str, which then point into the value. */
struct memory_value *memory_value_new(const void *row, size_t bytes, const size_t *texts, size_t text_count);
struct memory_value *memory_value_ref(struct memory_value *v);
void memory_value_unref(struct memory_value *v); /* NULL is accepted */

#define MEMORY_HEIGHT 20

/* A node of the skip list. */
struct memory_slot {
	struct memory_key key;
	struct memory_value *committed;   /* NULL: there is no such row */
	struct memory_value *pending;     /* what the transaction `changed_by` made of it; NULL: deleted */
	struct memory_change *changed_by; /* NULL: no transaction has changed the row */
	struct memory_slot *next_changed; /* in the same transaction */
	struct memory_table *table;
	unsigned height;
	struct memory_slot *next[];
};

/* A zeroed struct is an empty table. */
struct memory_table {
	struct memory_slot *first[MEMORY_HEIGHT];
};

/* The changes of one transaction. A zeroed struct has none. */
struct memory_change {
	struct memory_slot *slots;
};

/* Stores `value`, or deletes the row when it is NULL. Takes over the reference. False, and nothing is changed
 * or taken over: another transaction has changed this row. */
bool memory_table_put(struct memory_table *t, struct memory_change *by, struct memory_key key,
					  struct memory_value *value) __attribute__((warn_unused_result));
void memory_change_commit(struct memory_change *c);
void memory_change_rollback(struct memory_change *c);
/* Deletes every row at once. No transaction is open. */
void memory_table_clear(struct memory_table *t);

/* Rows as the transaction `by` sees them; NULL: as readers see them. NULL is returned without such a row. */
struct memory_value *memory_slot_view(const struct memory_slot *slot, const struct memory_change *by);
struct memory_value *memory_table_get(struct memory_table *t, const struct memory_change *by,
									  struct memory_key key);
/* The first row at or above `key`. */
struct memory_slot *memory_table_from(struct memory_table *t, const struct memory_change *by,
									  struct memory_key key);
/* The row after this one. */
struct memory_slot *memory_table_next(const struct memory_slot *slot, const struct memory_change *by);
/* The last row below `key`. */
struct memory_slot *memory_table_below(struct memory_table *t, const struct memory_change *by,
									   struct memory_key key);

#endif
