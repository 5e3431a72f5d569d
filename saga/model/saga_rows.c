#include "saga/model/saga_rows.h"

#include <assert.h>
#include <stdlib.h>

#include "saga/base/array.h"

void saga_rows_free(struct saga_rows *r)
{
	free(r->numbers);
	*r = (struct saga_rows){ 0 };
}

static bool may_follow(const struct saga_rows *r, int64_t number)
{
	return number > (r->count > 0 ? r->numbers[r->count - 1] : 0);
}

/* Most sagas have two rows or three, so the list grows by doubling from one. */
void saga_rows_append(struct saga_rows *r, int64_t number)
{
	assert(may_follow(r, number));
	if (r->count == r->capacity) {
		r->capacity = r->capacity == 0 ? 2 : r->capacity * 2;
		r->numbers = mem_grow_array(r->numbers, r->capacity, sizeof *r->numbers);
	}
	r->numbers[r->count++] = number;
}

void saga_rows_add(struct saga_rows *r, int64_t number, struct records *records, int64_t at_ms)
{
	if (r->count >= SAGA_ROWS_LISTED) {
		struct buf AUTO_BUF earlier = { 0 };
		saga_rows_encode(r, &earlier);
		records_add(records, &(struct record){ .kind = RECORD_EARLIER_ROWS,
											   .at_ms = at_ms,
											   .step = RECORD_NO_STEP,
											   .text = buf_str(&earlier) });
		r->count = 0;
	}
	saga_rows_append(r, number);
}

/* The count, then each number as the difference to the number before it; the first as it is. */
void saga_rows_encode(const struct saga_rows *r, struct buf *out)
{
	int64_t before = 0;
	buf_uint(out, r->count);
	for (size_t i = 0; i < r->count; i++) {
		buf_uint(out, (uint64_t)(r->numbers[i] - before));
		before = r->numbers[i];
	}
}

/* Each number takes at least one byte, so the count cannot ask for more memory than the input warrants. */
void saga_rows_decode(struct reader *from, struct saga_rows *ret)
{
	uint64_t count = reader_uint(from);
	ret->count = 0;
	if (count > SAGA_ROWS_MAX || count > (uint64_t)(from->end - from->p))
		from->bad = true;
	int64_t number = 0;
	for (uint64_t i = 0; i < count && !from->bad; i++) {
		uint64_t step = reader_uint(from);
		if (step == 0 || step > (uint64_t)(INT64_MAX - number))
			from->bad = true;
		number += from->bad ? 0 : (int64_t)step;
		if (!from->bad)
			saga_rows_append(ret, number);
	}
	if (from->bad)
		ret->count = 0;
}

static int take_earlier(const struct record *record, struct saga_rows *ret, struct err *err)
{
	struct reader from = reader_of(record->text.p, record->text.len);
	saga_rows_decode(&from, ret);
	return reader_done(&from) && ret->count > 0
			   ? 0
			   : err_set(err, ERR_CORRUPT, "log record: the list of earlier rows is damaged");
}

int saga_rows_earlier(struct str head, struct saga_rows *ret, struct err *err)
{
	struct records_reader records = records_read(head, STR(""), 0);
	struct record record;
	ret->count = 0;
	int rc = records_next(&records, &record, err);
	while (rc == 1) {
		rc = record.kind == RECORD_EARLIER_ROWS ? take_earlier(&record, ret, err) : 0;
		if (rc == 0)
			rc = records_next(&records, &record, err);
	}
	return rc;
}
