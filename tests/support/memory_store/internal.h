/* What the files of the memory store share. */
#ifndef ALMONER_TESTS_SUPPORT_MEMORY_STORE_INTERNAL_H
#define ALMONER_TESTS_SUPPORT_MEMORY_STORE_INTERNAL_H

#include <pthread.h>

#include "saga/base/hash.h"
#include "saga/store/cursor.h"
#include "tests/support/memory_store/memory_store.h"
#include "tests/support/memory_store/table.h"

enum memory_table_id {
	TABLE_PLAN,     /* struct plan *, by number */
	TABLE_SAGA,     /* struct saga_row, by id */
	TABLE_EVENT,    /* struct event *, by saga */
	TABLE_KEY,      /* struct memory_key_row, by the digest as two numbers */
	TABLE_SEARCH,   /* nothing, by term and saga */
	TABLE_RELATED,  /* struct related_row, by id */
	TABLE_STEP,     /* struct step_row, by saga and step */
	TABLE_TARGET,   /* struct target_row, by part and id */
	TABLE_JOB,      /* struct job *, by id */
	TABLE_REJECTED, /* struct rejected_row, by id */
	TABLE_LOG,      /* struct log_row, by number */
	TABLE_CHAIN,    /* struct chain_row, by commit */
	TABLE_COUNT
};

/* Numbers that keys_reserve was given, when numbers_skip says that they are not given again. */
struct memory_numbers {
	uint16_t part;
	int64_t last_saga, last_related;
};

struct memory_store {
	pthread_mutex_t lock; /* of everything here */
	struct memory_table tables[TABLE_COUNT];
	int schema;                     /* 0: there is no store */
	int64_t last_rejected;          /* ids of rejected requests are never given twice */
	struct memory_writer *writers;  /* that are open */
	struct memory_numbers *numbers; /* by no order: there are few parts */
	size_t number_count;

	struct memory_store_failure failure;
	unsigned calls[CALL_COUNT];
	unsigned calls_after_failure;

	unsigned trips;
	struct buf trip_names;
};

/* ---- a writer ---- */

struct memory_writer {
	struct memory_store *s;
	struct memory_writer *next; /* in memory_store.writers */
	struct memory_store_options options;
	bool open;     /* a transaction */
	bool reserved; /* keys_reserve was called in it */
	int failed;    /* the code of a failure after which the port allows no further call; 0: none */
	struct memory_change change;
	struct memory_value *borrowed; /* has the text that saga_get returned last */
	struct memory_key prune_after; /* key_prune continues behind this key */
	/* What the connection knows without asking (trips.c). */
	struct hash_table known;       /* in this transaction */
	struct hash_table known_plans; /* always */
	uint64_t trips;                /* its round trips */
};

struct memory_reader {
	struct memory_store *s;
};

/* The beginning of every function of the port: locks, counts the call and lets it fail when it should. With
 * rc != 0 the function returns it at once. */
struct memory_guard {
	struct memory_store *s;
	int rc;
};
struct memory_guard memory_write_begin(void *ctx, enum memory_call call, struct err *err);
struct memory_guard memory_read_begin(void *ctx, enum memory_call call, struct err *err);
void memory_guard_end(struct memory_guard *g);
#define AUTO_GUARD __attribute__((cleanup(memory_guard_end), unused))

/* ---- rows ---- */

static inline struct memory_key memory_key_of(int64_t a, int64_t b)
{
	return (struct memory_key){ (uint64_t)a, (uint64_t)b };
}

/* The lowest key of a writer's part, and the lowest above it. */
static inline struct memory_key memory_part_begin(const struct memory_writer *w)
{
	return (struct memory_key){ (uint64_t)w->options.part << STORE_NUMBER_BITS, 0 };
}

static inline struct memory_key memory_part_end(const struct memory_writer *w)
{
	return (struct memory_key){ (uint64_t)(w->options.part + 1) << STORE_NUMBER_BITS, 0 };
}

/* The row of a slot that a reader has found. */
static inline const void *memory_committed(const struct memory_slot *slot)
{
	return slot->committed->row;
}

/* Borrowed until the lock is released; NULL without such a row. */
const void *memory_writer_row(const struct memory_writer *w, enum memory_table_id table,
							  struct memory_key key);
const void *memory_reader_row(const struct memory_reader *r, enum memory_table_id table,
							  struct memory_key key);
/* Takes over `value`; NULL deletes. A transaction is open. ERR_BUSY: the transaction of another writer has
 * changed the row. */
int memory_writer_put(struct memory_writer *w, enum memory_table_id table, struct memory_key key,
					  struct memory_value *value, struct err *err) MUST_CHECK;
/* Like memory_writer_put; ERR_INVALID when there is such a row. */
int memory_writer_add(struct memory_writer *w, enum memory_table_id table, struct memory_key key,
					  struct memory_value *value, struct err *err) MUST_CHECK;
/* The first row of the writer's part at or above `key`, and the next one; NULL at the end of the part. */
struct memory_slot *memory_writer_from(const struct memory_writer *w, enum memory_table_id table,
									   struct memory_key key);
struct memory_slot *memory_writer_next(const struct memory_writer *w, const struct memory_slot *slot);
/* The highest row of the part. */
struct memory_slot *memory_writer_last(const struct memory_writer *w, enum memory_table_id table);
const void *memory_writer_view(const struct memory_writer *w, const struct memory_slot *slot);
/* The next number of a table that counts within its part. */
int64_t memory_writer_next_id(const struct memory_writer *w, enum memory_table_id table);

struct memory_key memory_key_of_digest(const uint8_t digest[STORE_KEY_BYTES]);
/* The owner of a key; 0: none. */
int64_t memory_writer_owner(const struct memory_writer *w, const uint8_t key[STORE_KEY_BYTES]);
/* The numbers that keys_reserve was given in this part. */
struct memory_numbers *memory_numbers_of(struct memory_store *s, uint16_t part);

/* What identifies the answer of row_lane_first. */
struct memory_lane_question {
	int64_t after;
	uint32_t target;
	uint8_t lane[LANE_BYTES];
	uint32_t zero; /* no byte of the struct is padding */
};
/* The saga of the first row in the lane; 0: none. */
int64_t memory_lane_first(const struct memory_writer *w, const struct expected_lane *lane);

/* Values that own a reference. An event that is NULL is one that does not decode. */
struct memory_value *memory_value_of_event(const struct event *event);
struct memory_value *memory_value_of_related(const struct related_row *row);
/* A copy, as a store that writes bytes would give back; NULL for NULL. */
struct event *memory_event_copy(const struct event *event);
/* A new reference; NULL for NULL. */
struct event *memory_event_ref(struct event *event);
struct memory_value *memory_value_of_saga(const struct saga_row *row);
struct memory_value *memory_value_of_log(const struct log_row *row);
struct memory_value *memory_value_of_chain(const struct chain_row *row);

uint16_t memory_lowest_part(struct memory_store *s); /* of those that have commits; 0: none has */
/* The figures as of the last commit of a part, and its chain row without them; `by` as in table.h. */
int memory_figures(struct memory_store *s, const struct memory_change *by, uint16_t part,
				   struct store_figures *ret, struct chain_row *ret_last, struct err *err) MUST_CHECK;

/* Decodes the row with its plan; the caller's to saga_destroy. The text of the error names the saga. */
int memory_decode_saga(const struct memory_reader *r, const struct saga_row *row, struct saga **ret,
					   struct err *err) MUST_CHECK;

/* The owner of the key as readers see it; 0: none. */
int64_t memory_key_owner(const struct memory_reader *r, const uint8_t key[STORE_KEY_BYTES]);

/* A page of values that a reader gives to a callback after the lock is released. */
struct memory_page {
	struct memory_value **values;
	size_t count;
};
void memory_page_add(struct memory_page *page, struct memory_value *v);
void memory_page_free(struct memory_store *s, struct memory_page *page);

/* ---- round trips: trips.c ---- */

/* What can be known. The bytes that follow say which one. */
enum memory_item_kind {
	ITEM_SAGA,
	ITEM_EVENT,
	ITEM_PLAN,
	ITEM_PLAN_DIGEST,
	ITEM_KEY,
	ITEM_RELATED,
	ITEM_ANSWER
};

/* The answer is asked for: one round trip unless it is known, and known from then on. */
void memory_trip_read(struct memory_writer *w, enum memory_call call, enum memory_item_kind kind,
					  const void *bytes, size_t len);
/* The same for an answer that is not one row: it depends on these arguments. */
void memory_trip_query(struct memory_writer *w, enum memory_call call, const void *bytes, size_t len);
/* Known from now on, because it is written. */
void memory_trip_know(struct memory_writer *w, enum memory_item_kind kind, const void *bytes, size_t len);
/* Known after the next round trip of the connection, which brings it along. */
void memory_trip_expect(struct memory_writer *w, enum memory_item_kind kind, const void *bytes, size_t len);
void memory_trip_expect_query(struct memory_writer *w, enum memory_call call, const void *bytes, size_t len);
void memory_trip_know_query(struct memory_writer *w, enum memory_call call, const void *bytes, size_t len);
/* One round trip, whatever is known. */
void memory_trip_ask(struct memory_writer *w, enum memory_call call);
void memory_trip_of_reader(struct memory_reader *r, enum memory_call call);
/* The end of a transaction. */
void memory_trip_forget(struct memory_writer *w, bool rolled_back);

/* ---- each fills its part of the table ---- */

void memory_saga_ops(struct store_writer *ops);
void memory_key_ops(struct store_writer *ops);
void memory_reserve_ops(struct store_writer *ops);
void memory_search_ops(struct store_writer *ops);
void memory_step_ops(struct store_writer *ops);
void memory_related_ops(struct store_writer *ops);
void memory_job_ops(struct store_writer *ops);
void memory_rejected_ops(struct store_writer *ops);
void memory_log_ops(struct store_writer *ops);
void memory_job_read_ops(struct store_reader *ops);
void memory_rejected_read_ops(struct store_reader *ops);
void memory_search_read_ops(struct store_reader *ops);
void memory_read_ops(struct store_reader *ops);
void memory_list_ops(struct store_reader *ops);
void memory_verify_ops(struct store_reader *ops);

#endif
