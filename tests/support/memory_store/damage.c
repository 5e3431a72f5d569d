/* Damages to a store from outside. */
#include <string.h>

#include "saga/base/digest.h"

#include "saga/model/event_codec.h"
#include "tests/support/memory_store/internal.h"

#define NEWER_SCHEMA 99

/* The committed value of a row that must exist. */
static struct memory_value **value_at(struct memory_store *s, enum memory_table_id table, int64_t number)
{
	struct memory_slot *slot = memory_table_from(&s->tables[table], NULL, memory_key_of(number, 0));
	assert(slot != NULL && (int64_t)slot->key.a == number && slot->changed_by == NULL);
	return &slot->committed;
}

static const void *row_at(struct memory_store *s, enum memory_table_id table, int64_t number)
{
	return (*value_at(s, table, number))->row;
}

static void replace(struct memory_store *s, enum memory_table_id table, int64_t number,
					struct memory_value *v)
{
	struct memory_change change = { 0 };
	bool done = memory_table_put(&s->tables[table], &change, memory_key_of(number, 0), v);
	assert(done);
	memory_change_commit(&change);
}

/* Changes one byte in the middle; the bytes belong to a copy that only this file has. */
static void flip(struct str bytes)
{
	assert(bytes.len > 0);
	char *at = (char *)(uintptr_t)bytes.p + bytes.len / 2;
	*at = *at == 'A' ? 'B' : 'A';
}

static void damage_log(struct memory_store *s, enum memory_damage damage, int64_t number)
{
	struct log_row row = *(const struct log_row *)row_at(s, TABLE_LOG, number);
	if (damage == MEMORY_FORGET_PERSONAL || damage == MEMORY_EMPTY_HEAD) {
		row.personal = STR("");
		memset(row.salt, 0, sizeof row.salt);
	}
	if (damage == MEMORY_EMPTY_HEAD) {
		digest_bytes(row.head.p, row.head.len, row.head_digest);
		row.head = STR("");
	}
	if (damage == MEMORY_RENUMBER)
		row.number += 1000;
	struct memory_value *v = memory_value_of_log(&row);
	const struct log_row *copy = (const void *)v->row;
	if (damage == MEMORY_FLIP_HEAD)
		flip(copy->head);
	if (damage == MEMORY_FLIP_PERSONAL)
		flip(copy->personal);
	if (damage == MEMORY_RENUMBER)
		replace(s, TABLE_LOG, number, NULL);
	replace(s, TABLE_LOG, row.number, v);
}

static void damage_chain(struct memory_store *s, enum memory_damage damage, int64_t number)
{
	struct chain_row row = *(const struct chain_row *)row_at(s, TABLE_CHAIN, number);
	row.digest[16] ^= damage == MEMORY_FLIP_CHAIN ? 1 : 0;
	row.at_ms += damage == MEMORY_CHAIN_TIME ? 1000 : 0;
	struct memory_value *v = memory_value_of_chain(&row);
	const struct chain_row *copy = (const void *)v->row;
	if (damage == MEMORY_FLIP_COUNTERS)
		flip(copy->counters);
	if (damage == MEMORY_FLIP_MARKS)
		flip(copy->marks);
	replace(s, TABLE_CHAIN, number, v);
}

/* The first "evt" becomes "ewt"; the bytes belong to a copy that only this file has. */
static void change_text(struct str value)
{
	char *at = memmem((char *)(uintptr_t)value.p, value.len, "evt", 3);
	assert(at != NULL);
	at[1] = 'w';
}

static void damage_saga(struct memory_store *s, enum memory_damage damage, int64_t number)
{
	struct saga_row row = *(const struct saga_row *)row_at(s, TABLE_SAGA, number);
	if (damage == MEMORY_CUT_SAGA)
		row.value.len -= 3;
	if (damage == MEMORY_SAGA_STATE)
		row.state = SAGA_CANCELLED;
	if (damage == MEMORY_FORGET_SALT)
		memset(row.salt, 0, sizeof row.salt);
	struct memory_value *v = memory_value_of_saga(&row);
	const struct saga_row *copy = (const void *)v->row;
	if (damage == MEMORY_CHANGE_SAGA)
		change_text(copy->value);
	replace(s, TABLE_SAGA, number, v);
}

/* The same event with another body. */
static struct event *with_other_body(const struct event *event)
{
	struct event *changed = NULL;
	struct buf payload AUTO_BUF = { 0 };
	struct event_image image = { .fields = event->f, .received_ms = event->received_ms };
	image.fields.raw = STR("\0");
	memcpy(image.salt, event->salt, sizeof image.salt);
	event_codec_pack(&image, &payload);
	int rc = event_restore(buf_str(&payload), event->version, &changed, NULL);
	assert(rc == 0);
	return changed;
}

static void damage_related(struct memory_store *s, int64_t number)
{
	struct related_row row = *(const struct related_row *)row_at(s, TABLE_RELATED, number);
	row.event = with_other_body(row.event);
	replace(s, TABLE_RELATED, number, memory_value_of_related(&row));
	event_unref(row.event);
}

static void spoil_related(struct memory_store *s, int64_t number)
{
	struct related_row row = *(const struct related_row *)row_at(s, TABLE_RELATED, number);
	row.event = NULL;
	replace(s, TABLE_RELATED, number, memory_value_of_related(&row));
}

static void damage_event(struct memory_store *s, int64_t number)
{
	const struct event *event = *(struct event *const *)row_at(s, TABLE_EVENT, number);
	struct event *changed = with_other_body(event);
	replace(s, TABLE_EVENT, number, memory_value_of_event(changed));
	event_unref(changed);
}

static void remove_steps(struct memory_store *s, int64_t saga)
{
	struct memory_slot *slot;
	while ((slot = memory_table_from(&s->tables[TABLE_STEP], NULL, memory_key_of(saga, 0))) != NULL &&
		   (int64_t)slot->key.a == saga) {
		struct memory_change change = { 0 };
		bool done = memory_table_put(&s->tables[TABLE_STEP], &change, slot->key, NULL);
		assert(done);
		memory_change_commit(&change);
	}
}

/* The rows of a commit follow those of the commit before. */
static void remove_tail(struct memory_store *s, int64_t commit)
{
	const struct chain_row *first = row_at(s, TABLE_CHAIN, commit);
	int64_t number = first->first;
	struct memory_slot *slot;
	while ((slot = memory_table_from(&s->tables[TABLE_LOG], NULL, memory_key_of(number, 0))) != NULL)
		replace(s, TABLE_LOG, (int64_t)slot->key.a, NULL);
	while ((slot = memory_table_from(&s->tables[TABLE_CHAIN], NULL, memory_key_of(commit, 0))) != NULL)
		replace(s, TABLE_CHAIN, (int64_t)slot->key.a, NULL);
}

void memory_store_damage(struct memory_store *s, enum memory_damage damage, int64_t number)
{
	pthread_mutex_lock(&s->lock);
	switch (damage) {
	case MEMORY_FLIP_HEAD:
	case MEMORY_FLIP_PERSONAL:
	case MEMORY_FORGET_PERSONAL:
	case MEMORY_EMPTY_HEAD:
	case MEMORY_RENUMBER:
		damage_log(s, damage, number);
		break;
	case MEMORY_REMOVE_ROW:
		replace(s, TABLE_LOG, number, NULL);
		break;
	case MEMORY_REMOVE_COMMIT:
		replace(s, TABLE_CHAIN, number, NULL);
		break;
	case MEMORY_REMOVE_TAIL:
		remove_tail(s, number);
		break;
	case MEMORY_FLIP_CHAIN:
	case MEMORY_FLIP_COUNTERS:
	case MEMORY_FLIP_MARKS:
	case MEMORY_CHAIN_TIME:
		damage_chain(s, damage, number);
		break;
	case MEMORY_CUT_SAGA:
	case MEMORY_SAGA_STATE:
	case MEMORY_CHANGE_SAGA:
	case MEMORY_FORGET_SALT:
		damage_saga(s, damage, number);
		break;
	case MEMORY_CHANGE_EVENT:
		damage_event(s, number);
		break;
	case MEMORY_REMOVE_EVENT:
		replace(s, TABLE_EVENT, number, NULL);
		break;
	case MEMORY_SPOIL_EVENT:
		replace(s, TABLE_EVENT, number, memory_value_of_event(NULL));
		break;
	case MEMORY_CHANGE_RELATED:
		damage_related(s, number);
		break;
	case MEMORY_SPOIL_RELATED:
		spoil_related(s, number);
		break;
	case MEMORY_REMOVE_RELATED:
		replace(s, TABLE_RELATED, number, NULL);
		break;
	case MEMORY_REMOVE_STEPS:
		remove_steps(s, number);
		break;
	case MEMORY_NEWER_SCHEMA:
		s->schema = NEWER_SCHEMA;
		break;
	}
	pthread_mutex_unlock(&s->lock);
}
