/* Finding sagas: by filter, newest first, within a time; and by event id. */
#include "saga/base/clock.h"
#include "tests/support/memory_store/internal.h"

#define LOOK_EVERY 32 /* rows that are examined between two looks at the clock */

/* The saga of the key's owner; 0 when the key belongs to another event, or leads to no saga yet. */
static int64_t saga_of_owner(const struct memory_reader *r, int64_t owner, const char *source,
							 const char *event_id)
{
	const struct event *event = NULL;
	int64_t saga = owner;
	if (owner > 0) {
		struct event *const *row = memory_reader_row(r, TABLE_EVENT, memory_key_of(owner, 0));
		event = row != NULL ? *row : NULL;
	} else {
		const struct related_row *row = memory_reader_row(r, TABLE_RELATED, memory_key_of(-owner, 0));
		event = row != NULL ? row->event : NULL;
		saga = row != NULL ? row->saga : 0;
	}
	bool same = event != NULL && str_is(event->f.source, source) && str_is(event->f.event_id, event_id);
	return same ? saga : 0;
}

static int64_t find_by_key(const struct memory_reader *r, const char *source, const char *event_id)
{
	uint8_t key[STORE_KEY_BYTES];
	store_event_key(source, event_id, key);
	int64_t owner = memory_key_owner(r, key);
	return owner != 0 ? saga_of_owner(r, owner, source, event_id) : 0;
}

/* ---- lists ---- */

struct saga_listing {
	const struct memory_reader *r;
	const struct saga_filter *filter;
	struct saga **sagas;
	size_t capacity;
	size_t found;
};

/* Lists the saga if it matches. */
static int take_row(struct saga_listing *l, const struct saga_row *row, struct err *err)
{
	struct saga *s = NULL;
	if (!store_filter_row(l->filter, row))
		return 0;
	int rc = memory_decode_saga(l->r, row, &s, err);
	if (rc != 0)
		return rc;
	if (store_filter_saga(l->filter, s))
		l->sagas[l->found++] = s;
	else
		saga_destroy(s);
	return 0;
}

/* *before: where to begin, and where the next call continues; 0: at the end. */
static int scan(struct saga_listing *l, int64_t *before, int64_t budget_ms, struct err *err)
{
	int64_t until_ms = clock_monotonic_ms() + budget_ms;
	struct memory_table *t = &l->r->s->tables[TABLE_SAGA];
	struct memory_slot *slot = memory_table_below(t, NULL, memory_key_of(*before, 0));
	for (unsigned n = 1; slot != NULL; n++) {
		const struct saga_row *row = memory_committed(slot);
		int rc = take_row(l, row, err);
		if (rc != 0)
			return rc;
		*before = row->id;
		if (l->found == l->capacity || (n % LOOK_EVERY == 0 && clock_monotonic_ms() >= until_ms))
			return 0;
		slot = memory_table_below(t, NULL, slot->key);
	}
	*before = 0;
	return 0;
}

/* At most the one saga with this id. */
static int list_one(struct saga_listing *l, int64_t id, int64_t *before, struct err *err)
{
	const struct saga_row *row = memory_reader_row(l->r, TABLE_SAGA, memory_key_of(id, 0));
	int rc = row != NULL && id < *before ? take_row(l, row, err) : 0;
	*before = 0;
	return rc;
}

static int list_sagas(void *ctx, const struct saga_filter *filter, int64_t before, int64_t budget_ms,
					  struct saga **sagas, size_t capacity, size_t *ret, int64_t *ret_next, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_SAGA_LIST, err);
	if (g.rc != 0)
		return g.rc;
	assert(capacity > 0);
	struct saga_listing l = { .r = r, .filter = filter, .sagas = sagas, .capacity = capacity };
	bool one = filter->source != NULL && filter->event_id != NULL;
	int64_t id = one ? find_by_key(r, filter->source, filter->event_id) : 0;
	int rc = id != 0 ? list_one(&l, id, &before, err) : scan(&l, &before, budget_ms, err);
	if (rc != 0) {
		while (l.found > 0)
			saga_destroy(sagas[--l.found]);
		return rc;
	}
	*ret = l.found;
	*ret_next = before;
	return 0;
}

/* An event without a key of its id (the key has expired, or is built from other fields) is found by a walk over
 * all sagas. */
static int find_saga(void *ctx, const char *source, const char *event_id, int64_t *ret_id, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_SAGA_FIND, err);
	if (g.rc != 0)
		return g.rc;
	*ret_id = find_by_key(r, source, event_id);
	if (*ret_id != 0)
		return 0;
	struct saga_filter filter = {
		.state = -1, .outcome = -1, .reason = -1, .source = source, .event_id = event_id
	};
	struct saga *s = NULL;
	int64_t before = INT64_MAX;
	struct saga_listing l = { .r = r, .filter = &filter, .sagas = &s, .capacity = 1 };
	int rc = scan(&l, &before, INT64_MAX / 2, err);
	if (rc != 0)
		return rc;
	if (l.found == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no event %s/%s", source, event_id);
	*ret_id = s->id;
	saga_destroy(s);
	return 0;
}

void memory_list_ops(struct store_reader *ops)
{
	ops->saga_list = list_sagas;
	ops->saga_find = find_saga;
}
