/* What the store of the fixture gives back damaged. */
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

/* Only one store is open at a time. */
static struct journal_fixture *current;
static struct store_writer real;

/* Flips one bit of the stored saga: it then says that it is unrouted although it has steps. */
static int saga_get_damaged(void *ctx, int64_t id, struct saga_row *ret, struct err *err)
{
	static char value[65536];
	int rc = real.saga_get(ctx, id, ret, err);
	if (rc != 0 || id != current->damaged_saga)
		return rc;
	assert_true(ret->value.len <= sizeof value);
	memcpy(value, ret->value.p, ret->value.len);
	value[1] = (char)(value[1] ^ 8);
	ret->value.p = value;
	return 0;
}

static void lose_event(struct event **event)
{
	event_unref(*event);
	*event = NULL;
}

static int event_get_damaged(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	int rc = real.event_get(ctx, saga, ret, err);
	if (rc == 0 && saga == current->damaged_event)
		lose_event(ret);
	return rc;
}

static int saga_range_damaged(void *ctx, int64_t after, struct saga_row *rows, size_t capacity,
							  struct buf *values, size_t *ret, struct err *err)
{
	int rc = real.saga_range(ctx, after, rows, capacity, values, ret, err);
	for (size_t i = 0; rc == 0 && i < *ret; i++) {
		char *value = values->data + (rows[i].value.p - values->data);
		if (rows[i].id == current->damaged_saga)
			value[1] = (char)(value[1] ^ 8);
	}
	return rc;
}

static int related_get_damaged(void *ctx, int64_t id, struct related_row *ret, struct err *err)
{
	int rc = real.related_get(ctx, id, ret, err);
	if (rc == 0 && -id == current->damaged_event)
		lose_event(&ret->event);
	return rc;
}

static int head_damaged(void *ctx, struct store_head *ret, struct err *err)
{
	int rc = real.head(ctx, ret, err);
	if (rc != 0 || current->j != NULL)
		return rc; /* only the start reads damaged figures, and no audit */
	if (current->damage != NULL)
		current->damage(&ret->figures.counters);
	if (current->damage_marks != NULL)
		current->damage_marks(&ret->figures.marks);
	return rc;
}

void fixture_damage_store(struct journal_fixture *r, struct store_writer *store)
{
	current = r;
	real = *store;
	store->saga_get = saga_get_damaged;
	store->event_get = event_get_damaged;
	store->related_get = related_get_damaged;
	store->saga_range = saga_range_damaged;
	store->head = head_damaged;
}
