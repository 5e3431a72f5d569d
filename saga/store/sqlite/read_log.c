/* The reader's log: all of it, and the log of one saga. */
#include "saga/store/saga_log.h"
#include "saga/store/sqlite/read.h"

/* The rows that one call gives. */
struct log_page {
	struct sqlite_reader *r;
	int64_t saga; /* 0: every subject */
	size_t left;  /* how many more rows may be given */
	void *each_ctx;
	int (*each)(void *each_ctx, const struct log_row *row);
	int64_t last; /* the number seen last */
};

/* True when the page ends with this row: it is full, the caller wants no more, or the time is over. */
static bool give(struct log_page *p, const struct log_row *row)
{
	p->last = row->number;
	if (p->saga == 0 || (row->subject == SUBJECT_SAGA && row->subject_id == p->saga)) {
		p->left--;
		if (p->each(p->each_ctx, row) != 0)
			return true;
	}
	return p->left == 0 || read_slice_over(p->r);
}

/* Every row above p->last, or the next p->left of them. */
static int scan_page(struct log_page *p, struct err *err)
{
	read_slice(p->r);
	struct db_query AUTO_QUERY q = query_begin(&p->r->db, R_LOG);
	query_int(&q, p->last);
	query_int(&q, (int64_t)p->left);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct log_row row;
		column_log_row(&q, &row);
		if (give(p, &row))
			return 0;
	}
	return rc;
}

/* ---- the log of a saga ---- */

int read_log_rows(void *ctx, const int64_t *numbers, size_t count, void *each_ctx,
				  int (*each)(void *each_ctx, const struct log_row *row), struct err *err)
{
	struct sqlite_reader *r = ctx;
	assert(count <= SAGA_ROWS_LISTED);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_LOG_ROWS);
	for (size_t i = 0; i < SAGA_ROWS_LISTED; i++) {
		if (i < count)
			query_int(&q, numbers[i]);
		else
			query_null(&q);
	}
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct log_row row;
		column_log_row(&q, &row);
		int stop = each(each_ctx, &row);
		if (stop != 0)
			return stop;
	}
	return rc;
}

static int give_listed(void *ctx, const struct log_row *row)
{
	return give(ctx, row) ? 1 : 0;
}

/* Each list is read in a slice of its own, for rows of the log do not change. */
static int rows_in_slices(void *ctx, const int64_t *numbers, size_t count, void *each_ctx,
						  int (*each)(void *each_ctx, const struct log_row *row), struct err *err)
{
	read_slice(ctx);
	return read_log_rows(ctx, numbers, count, each_ctx, each, err);
}

/* Fills r->listed. */
static int list_rows(struct sqlite_reader *r, int64_t saga, int64_t after, struct err *err)
{
	r->listed_saga = 0;
	{
		read_slice(r);
		struct db_query AUTO_QUERY q = query_begin(&r->db, R_SAGA_GET);
		query_int(&q, saga);
		int rc = query_next(&q, err);
		if (rc != 1)
			return rc == 0 ? ERR_NOT_FOUND : rc;
		struct saga_row row;
		column_saga_row(&q, &row);
		rc = saga_rows_of(row.value, &r->listed, err);
		if (rc != 0)
			return rc;
	}
	int rc = saga_log_complete(&r->listed, after, rows_in_slices, r, err);
	r->listed_saga = rc == 0 ? saga : 0;
	return rc;
}

static size_t first_above(const struct saga_rows *rows, int64_t after)
{
	size_t low = 0, high = rows->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (rows->numbers[middle] > after)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The rows of r->listed from index `at` on. */
static int listed_page(struct log_page *p, size_t at, struct err *err)
{
	const struct saga_rows *rows = &p->r->listed;
	int rc = 0;
	while (rc == 0 && at < rows->count && p->left > 0) {
		size_t count = rows->count - at;
		count = count < SAGA_ROWS_LISTED ? count : SAGA_ROWS_LISTED;
		count = count < p->left ? count : p->left;
		rc = rows_in_slices(p->r, rows->numbers + at, count, p, give_listed, err);
		at += count;
		if (rc == 0)
			p->last = rows->numbers[at - 1];
	}
	return rc < 0 ? rc : 0;
}

/* The list of the page before serves as long as it has rows; the saga may have got more since. A saga that does
 * not tell its rows (it is damaged) is looked for in the whole log. */
static int saga_page(struct log_page *p, struct err *err)
{
	struct sqlite_reader *r = p->r;
	struct err why = { 0 };
	bool again = r->listed_saga == p->saga && r->listed_after <= p->last &&
				 first_above(&r->listed, p->last) < r->listed.count;
	int rc = again ? 0 : list_rows(r, p->saga, p->last, &why);
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == ERR_CORRUPT)
		return scan_page(p, err);
	if (rc != 0)
		return err_set(err, rc, "%s", why.text);
	if (!again)
		r->listed_after = p->last;
	return listed_page(p, first_above(&r->listed, p->last), err);
}

/* Ends early when the time slice of the reader is over; the caller continues from *ret_next. */
static int reader_log_read(void *ctx, int64_t saga, int64_t after, size_t capacity, void *each_ctx,
						   int (*each)(void *each_ctx, const struct log_row *row), int64_t *ret_next,
						   struct err *err)
{
	struct log_page page = {
		.r = ctx, .saga = saga, .left = capacity, .each_ctx = each_ctx, .each = each, .last = after
	};
	int rc = saga == 0 ? scan_page(&page, err) : saga_page(&page, err);
	if (rc == 0)
		*ret_next = page.last;
	return rc;
}

void read_log_ops(struct store_reader *ops)
{
	ops->log_read = reader_log_read;
}
