#include "saga/journal/state/low_mark.h"

#include <stdlib.h>

#include "saga/base/mem.h"
#include "saga/model/figure_ids.h"

/* A store that no commit has marked yet is empty. */
int low_mark_load(struct low_mark *m, const struct store_head *head, int64_t span, struct err *err)
{
	assert(m->bits == NULL && head->stride > 0 && span > 0);
	int64_t low = tally_value(&head->figures.marks, figure_of_mark(0, MARK_LOW));
	int64_t reach = tally_value(&head->figures.marks, figure_of_mark(0, MARK_REACH));
	if (head->figures.commit == 0) {
		reach = head->last_saga;
		low = reach + head->stride;
	}
	bool sound = low > 0 && reach >= 0 && reach <= head->last_saga && low <= reach + head->stride;
	if (!sound)
		return err_set(err, ERR_CORRUPT,
					   "the low-water mark is %lld and its reach %lld, but the last saga is %lld; run "
					   "`almoner verify`, restore a backup",
					   (long long)low, (long long)reach, (long long)head->last_saga);
	m->low = low;
	m->reach = reach;
	m->stride = head->stride;
	m->span = span;
	m->recovered = low > reach;
	m->bits = mem_zalloc(((size_t)span / 64 + 1) * sizeof *m->bits);
	return 0;
}

void low_mark_free(struct low_mark *m)
{
	free(m->bits);
	tally_free(&m->last);
	tally_free(&m->now);
	buf_free(&m->bytes);
	*m = (struct low_mark){ 0 };
}

void low_mark_recovered(struct low_mark *m, int64_t id)
{
	assert(m->count == 0 && id <= m->reach);
	if (m->low <= id)
		m->low = id + m->stride;
	m->recovered = m->recovered || id == m->reach;
}

/* ---- the sagas that are left out ---- */

/* The word of a saga, and its bit in the word. All sagas that are left out are within one span, so none shares
 * its bit with another. */
static uint64_t *word_of(const struct low_mark *m, int64_t id, uint64_t *ret_bit)
{
	uint64_t at = (uint64_t)(id / m->stride % m->span);
	*ret_bit = UINT64_C(1) << at % 64;
	return &m->bits[at / 64];
}

bool low_mark_permits(const struct low_mark *m, int64_t id)
{
	return m->recovered && id >= m->low;
}

bool low_mark_left_out(const struct low_mark *m, int64_t id)
{
	uint64_t bit;
	return id >= m->low && id <= m->reach && (*word_of(m, id, &bit) & bit) != 0;
}

void low_mark_set(struct low_mark *m, int64_t id, bool left_out)
{
	uint64_t bit;
	if (left_out == low_mark_left_out(m, id))
		return;
	uint64_t *word = word_of(m, id, &bit);
	*word ^= bit;
	m->count = left_out ? m->count + 1 : m->count - 1;
	if (left_out) {
		assert(low_mark_permits(m, id) && (id - m->low) / m->stride < m->span);
		m->reach = id > m->reach ? id : m->reach;
	}
}

int64_t low_mark_lagging(struct low_mark *m, int64_t last)
{
	assert(m->recovered);
	while ((last - m->low) / m->stride >= m->span && m->count > 0) {
		if (low_mark_left_out(m, m->low)) {
			low_mark_set(m, m->low, false);
			return m->low;
		}
		m->low += m->stride;
	}
	int64_t lowest = last - (m->span - 1) * m->stride;
	m->low = m->low < lowest ? lowest : m->low;
	return 0;
}

/* ---- stored form ---- */

/* The mark to store. It moves to the first saga that is left out. While there is none it stays behind the reach
 * in the store, whatever is accepted, so that a commit without such a saga stores nothing. */
static int64_t settle(struct low_mark *m)
{
	int64_t behind = m->reach + m->stride;
	while (m->count > 0 && !low_mark_left_out(m, m->low))
		m->low += m->stride;
	if (m->count == 0 && m->recovered && m->low < behind)
		m->low = behind;
	return m->low < behind ? m->low : behind;
}

struct str low_mark_encode(struct low_mark *m, bool full)
{
	tally_clear(&m->now);
	tally_add(&m->now, figure_of_mark(0, MARK_LOW), settle(m));
	tally_add(&m->now, figure_of_mark(0, MARK_REACH), m->reach);
	buf_clear(&m->bytes);
	if (full)
		tally_full(&m->now, &m->bytes);
	else if (!tally_same(&m->last, &m->now))
		tally_difference(&m->last, &m->now, &m->bytes);
	struct tally last = m->last;
	m->last = m->now;
	m->now = last;
	return buf_str(&m->bytes);
}
