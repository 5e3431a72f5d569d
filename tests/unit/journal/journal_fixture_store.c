/* The store of the fixture. Its nth call fails: every call between `begin` and `commit` that may fail, in the
 * order in which the journal makes them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/journal/journal_fixture.h"

void fixture_open_store(struct journal_fixture *r, struct store_writer *ret)
{
	struct err err = { 0 };
	struct store_sqlite_options options = { .vfs = r->vfs };
	int rc = r->memory != NULL ? memory_store_open(r->memory, &r->memory_options, ret, &err)
							   : store_sqlite_open(r->path, &options, ret, &err);
	if (rc != 0)
		fail_msg("%s", err.text);
}

void fixture_remove_store(struct journal_fixture *r)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
	if (r->memory != NULL)
		memory_store_clear(r->memory);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s%s", r->path, ends[i]);
		unlink(path);
	}
}

/* ---- calls that fail ---- */

static struct journal_fixture *current;
static struct store_writer real;

static bool fails_now(const char *name)
{
	current->watched_calls +=
		current->watched_call != NULL && strcmp(name, current->watched_call) == 0 ? 1 : 0;
	return current->store_calls_until_failure > 0 && --current->store_calls_until_failure == 0;
}

#define FAILING(X)                                                                                           \
	X(begin, (void *ctx, struct err *err), (ctx, err))                                                       \
	X(plan_put, (void *ctx, const struct plan *plan, int64_t *ret, struct err *err), (ctx, plan, ret, err))  \
	X(plan_get, (void *ctx, int64_t number, struct plan **ret, struct err *err), (ctx, number, ret, err))    \
	X(saga_insert, (void *ctx, const struct saga_row *row, struct err *err), (ctx, row, err))                \
	X(saga_update, (void *ctx, const struct saga_row *row, struct err *err), (ctx, row, err))                \
	X(saga_get, (void *ctx, int64_t id, struct saga_row *ret, struct err *err), (ctx, id, ret, err))         \
	X(saga_range,                                                                                            \
	  (void *ctx, int64_t after, struct saga_row *rows, size_t capacity, struct buf *values, size_t *ret,    \
	   struct err *err),                                                                                     \
	  (ctx, after, rows, capacity, values, ret, err))                                                        \
	X(event_insert, (void *ctx, int64_t saga, const struct event *event, struct err *err),                   \
	  (ctx, saga, event, err))                                                                               \
	X(event_replace, (void *ctx, int64_t saga, const struct event *event, struct err *err),                  \
	  (ctx, saga, event, err))                                                                               \
	X(event_get, (void *ctx, int64_t saga, struct event **ret, struct err *err), (ctx, saga, ret, err))      \
	X(keys_reserve, (void *ctx, struct key_reservation *keys, size_t count, struct err *err),                \
	  (ctx, keys, count, err))                                                                               \
	X(key_claim,                                                                                             \
	  (void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t day, int64_t *ret,              \
	   struct err *err),                                                                                     \
	  (ctx, key, owner, day, ret, err))                                                                      \
	X(key_find, (void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t *ret, struct err *err),              \
	  (ctx, key, ret, err))                                                                                  \
	X(key_prune, (void *ctx, int64_t day, size_t limit, size_t *ret, struct err *err),                       \
	  (ctx, day, limit, ret, err))                                                                           \
	X(related_insert, (void *ctx, const struct related_row *row, struct err *err), (ctx, row, err))          \
	X(related_get, (void *ctx, int64_t id, struct related_row *ret, struct err *err), (ctx, id, ret, err))   \
	X(related_attach,                                                                                        \
	  (void *ctx, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, void *each_ctx,                         \
	   void (*each)(void *each_ctx, const struct related_row *row), struct err *err),                        \
	  (ctx, gift, saga, each_ctx, each, err))                                                                \
	X(related_due,                                                                                           \
	  (void *ctx, int64_t now_ms, int64_t *ids, size_t capacity, size_t *ret, int64_t *ret_next_ms,          \
	   struct err *err),                                                                                     \
	  (ctx, now_ms, ids, capacity, ret, ret_next_ms, err))                                                   \
	X(row_put, (void *ctx, const struct step_row *row, struct err *err), (ctx, row, err))                    \
	X(row_delete, (void *ctx, int64_t saga, uint16_t step, struct err *err), (ctx, saga, step, err))         \
	X(row_claimable,                                                                                         \
	  (void *ctx, uint32_t target, int64_t now_ms, struct step_row *rows, size_t capacity, size_t *ret,      \
	   struct err *err),                                                                                     \
	  (ctx, target, now_ms, rows, capacity, ret, err))                                                       \
	X(row_next_due, (void *ctx, uint32_t target, int64_t *ret_ms, struct err *err),                          \
	  (ctx, target, ret_ms, err))                                                                            \
	X(row_lane_first,                                                                                        \
	  (void *ctx, uint32_t target, const uint8_t lane[LANE_BYTES], int64_t after, struct step_row *ret,      \
	   struct err *err),                                                                                     \
	  (ctx, target, lane, after, ret, err))                                                                  \
	X(row_due_beyond,                                                                                        \
	  (void *ctx, uint32_t target, int64_t beyond_ms, struct step_row *rows, size_t capacity, size_t *ret,   \
	   struct err *err),                                                                                     \
	  (ctx, target, beyond_ms, rows, capacity, ret, err))                                                    \
	X(row_with_lane,                                                                                         \
	  (void *ctx, uint32_t target, const struct step_row *after, struct step_row *rows, size_t capacity,     \
	   size_t *ret, struct err *err),                                                                        \
	  (ctx, target, after, rows, capacity, ret, err))                                                        \
	X(target_put, (void *ctx, const struct target_row *row, struct err *err), (ctx, row, err))               \
	X(job_put, (void *ctx, const struct job *job, int64_t *ret_id, struct err *err),                         \
	  (ctx, job, ret_id, err))                                                                               \
	X(job_get, (void *ctx, int64_t id, struct job **ret, struct err *err), (ctx, id, ret, err))              \
	X(job_running, (void *ctx, int64_t after, struct job **ret, struct err *err), (ctx, after, ret, err))    \
	X(rejected_put,                                                                                          \
	  (void *ctx, const struct rejected_row *row, int64_t keep_bytes, bool *ret_kept, struct err *err),      \
	  (ctx, row, keep_bytes, ret_kept, err))                                                                 \
	X(rejected_delete, (void *ctx, int64_t id, bool *ret_deleted, struct err *err),                          \
	  (ctx, id, ret_deleted, err))                                                                           \
	X(rejected_prune, (void *ctx, int64_t now_ms, size_t limit, size_t *ret, struct err *err),               \
	  (ctx, now_ms, limit, ret, err))                                                                        \
	X(log_append, (void *ctx, const struct log_row *row, struct err *err), (ctx, row, err))                  \
	X(chain_append, (void *ctx, const struct chain_row *row, struct err *err), (ctx, row, err))

#define FAILING_FUNCTION(name, parameters, arguments)                                                        \
	static int name##_or_fail parameters                                                                     \
	{                                                                                                        \
		return fails_now(#name) ? err_set(err, ERR_IO, "the store cannot %s", #name) : real.name arguments;  \
	}
FAILING(FAILING_FUNCTION)

void fixture_wrap_store(struct journal_fixture *r, struct store_writer *store)
{
	current = r;
	real = *store;
#define FAILING_SLOT(name, parameters, arguments) store->name = name##_or_fail;
	FAILING(FAILING_SLOT)
}

int64_t fixture_count_sagas(struct journal_fixture *r, enum saga_index index, int state)
{
	struct saga_row rows[64];
	struct err err = { 0 };
	int64_t after = 0, found = 0;
	size_t count = 64;
	assert(current == r);
	while (count == 64) {
		struct buf AUTO_BUF values = { 0 };
		if (real.saga_range(real.ctx, after, rows, 64, &values, &count, &err) != 0)
			fail_msg("%s", err.text);
		for (size_t i = 0; i < count; i++) {
			found += rows[i].index == index && (state < 0 || rows[i].state == state) ? 1 : 0;
			after = rows[i].id;
		}
	}
	return found;
}
