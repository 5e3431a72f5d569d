/* The chain over the log. The counters of a store of schema 4 were a value of their own; they become the first
 * full copy. */
#include "saga/store/sqlite/upgrade/copy.h"

#include "saga/model/figure_ids.h"
#include "saga/store/sqlite/upgrade/old_counters.h"

/* What the INSERT has bound until it has run. */
struct figures_copy {
	struct chain_row row;
	struct buf counters, marks;
};

/* Every saga under way is in the index of the new store, so the low-water mark is behind the last saga. */
static void encode_marks(int64_t last_saga, struct buf *out)
{
	struct tally marks = { 0 };
	tally_add(&marks, figure_of_mark(0, MARK_LOW), last_saga + 1);
	tally_add(&marks, figure_of_mark(0, MARK_REACH), last_saga);
	tally_full(&marks, out);
	tally_free(&marks);
}

static int encode_counters(struct str old, struct buf *out, struct err *err)
{
	struct tally counters = { 0 };
	int rc = old_counters_decode(old, &counters, err);
	if (rc == 0)
		tally_full(&counters, out);
	tally_free(&counters);
	return rc;
}

/* A commit without log rows behind the last one, so that no digest of a copied commit changes. */
static int figures_row(void *ctx, struct db_query *from, struct db_query *to, struct err *err)
{
	struct figures_copy *f = ctx;
	int rc = encode_counters(column_bytes(from, 4), &f->counters, err);
	if (rc != 0)
		return err_wrap(err, rc, "store %s cannot be upgraded; restore a backup", from->db->path);
	encode_marks(column_int(from, 5), &f->marks);
	f->row = (struct chain_row){ .commit = column_int(from, 0) + 1,
								 .first = column_int(from, 1) + 1,
								 .last = column_int(from, 1),
								 .at_ms = column_int(from, 2),
								 .counters = buf_str(&f->counters),
								 .marks = buf_str(&f->marks) };
	uint8_t previous[32];
	struct store_chain *chain;
	column_fixed(from, 3, previous, sizeof previous);
	store_chain_begin(&chain, previous);
	store_chain_figures(chain, &f->row);
	store_chain_end(chain, f->row.digest);
	column_bind_chain_row(to, &f->row);
	return 0;
}

static int copy_figures(struct copy *c, struct err *err)
{
	struct figures_copy f = { 0 };
	int rc = copy_rows(c, "copying the counters",
					   "SELECT commit_no, last, at, digest, (SELECT value FROM old.counters WHERE id = 1), "
					   "(SELECT max(id) FROM old.saga) FROM old.chain ORDER BY commit_no DESC LIMIT 1",
					   "INSERT INTO chain (" CHAIN_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
					   figures_row, &f, err);
	buf_free(&f.counters);
	buf_free(&f.marks);
	return rc;
}

int copy_chain(struct copy *c, struct err *err)
{
	int rc = copy_sql(c, "copying the chain",
					  "INSERT INTO chain (commit_no, first, last, at, digest) "
					  "SELECT commit_no, first, last, at, digest FROM old.chain ORDER BY commit_no",
					  err);
	return rc == 0 ? copy_figures(c, err) : rc;
}
