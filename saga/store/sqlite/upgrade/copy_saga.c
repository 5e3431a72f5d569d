/* Sagas: each value gets its present form, with the numbers of its log rows. */
#include "saga/store/sqlite/upgrade/copy.h"

#include "saga/base/entropy.h"
#include "saga/model/envelope.h"
#include "saga/model/saga_codec_1.h"
#include "saga/store/sqlite/columns.h"
#include "saga/store/sqlite/plans.h"

static const struct db_statement statements[] = {
	{ "reading a plan", "SELECT json FROM main.plan WHERE id = ?1" },
	{ "reading the log rows of each saga",
	  "SELECT subject_id, no FROM old.log INDEXED BY log_saga WHERE subject = 1 ORDER BY subject_id, no" },
};
enum { GET_PLAN, ALL_ROWS };

/* The two tables are read side by side, both by saga. */
struct saga_copy {
	struct copy *c;
	struct db_query rows; /* its present row is the first that belongs to no saga before this one */
	int more;             /* 1: `rows` has a present row */
	struct saga_rows of_saga;
	struct entropy_pool salts;
	uint8_t salt[SAGA_SALT_BYTES];
	struct buf value;
};

static int next_row(struct saga_copy *s, struct err *err)
{
	s->more = query_next(&s->rows, err);
	return s->more < 0 ? s->more : 0;
}

static int collect_rows(struct saga_copy *s, int64_t saga, struct err *err)
{
	int rc = 0;
	s->of_saga.count = 0;
	while (rc == 0 && s->more == 1 && column_int(&s->rows, 0) <= saga) {
		if (s->of_saga.count == SAGA_ROWS_MAX)
			return err_set(err, ERR_TOO_BIG, "saga %lld has more than %d log rows", (long long)saga,
						   SAGA_ROWS_MAX);
		if (column_int(&s->rows, 0) == saga)
			saga_rows_append(&s->of_saga, column_int(&s->rows, 1));
		rc = next_row(s, err);
	}
	return rc;
}

/* A value that does not decode is kept as evidence: the present version does not decode it either. */
static void encode_value(struct saga_copy *s, struct saga *saga, struct str old)
{
	buf_clear(&s->value);
	if (saga == NULL) {
		buf_byte(&s->value, ENVELOPE_PLAIN);
		buf_add(&s->value, old.p, old.len);
		return;
	}
	struct saga_rows none = saga->rows;
	saga->rows = s->of_saga;
	saga_encode(saga, &s->value);
	saga->rows = none;
}

static int bind_saga(void *ctx, struct db_query *from, struct db_query *to, struct err *err)
{
	struct saga_copy *s = ctx;
	struct plan *plan = NULL;
	struct saga *saga = NULL;
	int64_t id = column_int(from, 0);
	int rc = collect_rows(s, id, err);
	if (rc == 0)
		rc = plans_get(&s->c->db, GET_PLAN, column_int(from, 1), &plan, err);
	if (rc == 0)
		rc = saga_codec_1_decode(id, plan, column_bytes(from, 5), &saga, err);
	if (rc != 0 && rc != ERR_CORRUPT)
		return rc;
	encode_value(s, saga, column_bytes(from, 5));
	saga_destroy(saga);
	plan_unref(plan);
	for (int i = 0; i < 5; i++)
		query_int(to, column_int(from, i));
	entropy_pool_take(&s->salts, s->salt, sizeof s->salt);
	query_blob(to, s->salt, sizeof s->salt);
	query_blob(to, s->value.data, s->value.len);
	return 0;
}

/* Every saga that is open or live goes into the index: see copy_chain.c. */
static int copy_all(struct saga_copy *s, struct err *err)
{
	s->rows = query_begin(&s->c->db, ALL_ROWS);
	int rc = next_row(s, err);
	if (rc == 0)
		rc = copy_rows(s->c, "copying the sagas",
					   "SELECT id, plan, state, CASE WHEN live = 1 THEN 2 WHEN state < 4 THEN 1 ELSE 0 END, "
					   "created, value "
					   "FROM old.saga ORDER BY id",
					   "INSERT INTO saga (" SAGA_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)", bind_saga, s, err);
	query_end(&s->rows);
	return rc;
}

int copy_saga(struct copy *c, struct err *err)
{
	struct saga_copy s = { .c = c };
	int rc = db_prepare(&c->db, statements, sizeof statements / sizeof statements[0], err);
	if (rc == 0)
		rc = copy_all(&s, err);
	saga_rows_free(&s.of_saga);
	buf_free(&s.value);
	return rc;
}
