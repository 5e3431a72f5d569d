/* Sagas and the log rows about them. Each value names its rows, and the last of them has the digest of the value.
 * Rows that no value names are found by sums: all rows of the log are added up by saga, and each row that a value
 * names is taken off again. */
#include "saga/store/verify_internal.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/store/saga_log.h"

/* Sums, by the low bits of the saga's number: 8 MB, of which pages without a saga cost nothing. */
#define SUM_COUNT (INT64_C(1) << 20)

struct row_sums {
	uint64_t key;            /* random: a store cannot be made whose wrong rows add up to nothing */
	uint64_t sum[SUM_COUNT]; /* of the rows that were met in one of the two places only */
	bool unknown[SUM_COUNT]; /* the rows of some saga cannot be told */
};

void verify_rows_begin(struct store_verification *v)
{
	v->sums = mem_zalloc(sizeof *v->sums);
	entropy_bytes(&v->sums->key, sizeof v->sums->key);
}

void verify_rows_free(struct store_verification *v)
{
	free(v->sums);
	v->sums = NULL;
}

static size_t sum_of(int64_t saga)
{
	return (size_t)((uint64_t)saga % SUM_COUNT);
}

/* The finalizer of splitmix64, by Sebastiano Vigna: each bit of the result depends on every bit of `x`. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void add_to_sum(struct store_verification *v, int64_t saga, int64_t row)
{
	v->sums->sum[sum_of(saga)] ^= mix(mix(v->sums->key ^ (uint64_t)saga) ^ (uint64_t)row);
}

void verify_rows_add(struct store_verification *v, const struct log_row *row)
{
	if (row->subject == SUBJECT_SAGA)
		add_to_sum(v, row->subject_id, row->number);
}

void verify_rows_unknown(struct store_verification *v, int64_t saga)
{
	v->sums->unknown[sum_of(saga)] = true;
}

/* The sagas of the store have the numbers 1 to v->saga. */
static void report_sum(struct store_verification *v, size_t i)
{
	int64_t saga = i > 0 ? (int64_t)i : SUM_COUNT;
	const char *or_later = v->saga > SUM_COUNT ? ", or one that follows it by a multiple of 1048576" : "";
	store_verify_finding(
		v,
		"saga %lld%s: the log has rows about it that its value does not name: it was put back "
		"to an older state, or is missing",
		(long long)saga, or_later);
}

void verify_rows_end(struct store_verification *v)
{
	for (size_t i = 0; i < SUM_COUNT; i++) {
		if (v->sums->sum[i] != 0 && !v->sums->unknown[i])
			report_sum(v, i);
	}
}

/* ---- the rows of one saga ---- */

struct saga_rows_check {
	struct store_verification *v;
	const struct saga_row *row;
	const struct saga *s;
	const int64_t *next; /* the number that comes next in the list */
	size_t met;
	size_t missing;
	int64_t first_missing;
	bool has_digest; /* the row met last ends with one */
	uint8_t digest[SAGA_DIGEST_BYTES];
	void *each_ctx;
	int (*each)(void *each_ctx, const struct log_row *row);
};

static void pass_missing(struct saga_rows_check *c)
{
	if (c->missing++ == 0)
		c->first_missing = *c->next;
	c->next++;
	c->has_digest = false;
}

/* A saga without any row is reported with its event. */
static void report_missing(const struct saga_rows_check *c)
{
	if (c->missing > 0 && c->met > 0)
		store_verify_finding(c->v,
							 "saga %lld: %zu log rows that its value names are missing, from row %lld on",
							 (long long)c->s->id, c->missing, (long long)c->first_missing);
}

/* A row from before schema 5, or one whose head was emptied, has no digest. Damage is reported with the log. */
static void read_digest(struct saga_rows_check *c, const struct log_row *row)
{
	struct records_reader records = records_read(row->head, row->personal, row->at_ms);
	struct record record;
	c->has_digest = false;
	while (records_next(&records, &record, NULL) == 1) {
		if (record.kind != RECORD_VALUE)
			continue;
		c->has_digest = true;
		memcpy(c->digest, record.digest.p, sizeof c->digest);
	}
}

/* Rows that were written since the log was read are not in the sums. */
static int check_row_of_saga(void *ctx, const struct log_row *row)
{
	struct saga_rows_check *c = ctx;
	while (*c->next < row->number)
		pass_missing(c);
	c->next++;
	c->met++;
	if (row->subject != SUBJECT_SAGA || row->subject_id != c->s->id) {
		store_verify_finding(c->v, "saga %lld: the log row %lld, which its value names, is not about it",
							 (long long)c->s->id, (long long)row->number);
		return 0;
	}
	if (row->number <= c->v->last.last)
		add_to_sum(c->v, c->s->id, row->number);
	if (row->head.len == 0)
		verify_rows_unknown(c->v, c->s->id); /* it may have named earlier rows */
	read_digest(c, row);
	return c->each(c->each_ctx, row);
}

/* After the salt was forgotten nothing can be compared. */
static int check_digest(struct saga_rows_check *c, struct err *err)
{
	static const uint8_t zeros[SAGA_SALT_BYTES];
	uint8_t digest[SAGA_DIGEST_BYTES];
	struct str core;
	if (!c->has_digest || memcmp(c->row->salt, zeros, sizeof zeros) == 0)
		return 0;
	int rc = saga_core_of(c->s->plan, c->row->value, &core, err);
	if (rc != 0)
		return rc;
	saga_value_digest(c->row->salt, c->s->plan, core, digest);
	if (memcmp(digest, c->digest, sizeof digest) != 0)
		store_verify_finding(c->v, "saga %lld was changed after it was recorded", (long long)c->s->id);
	return 0;
}

static int read_rows(struct saga_rows_check *c, const struct saga_rows *rows, struct err *err)
{
	const struct verify_source *source = c->v->source;
	const int64_t *end = rows->numbers + rows->count;
	c->next = rows->numbers;
	while (c->next < end) {
		size_t count =
			(size_t)(end - c->next) < SAGA_ROWS_LISTED ? (size_t)(end - c->next) : SAGA_ROWS_LISTED;
		const int64_t *last = c->next + count;
		int rc = source->log_rows(source->ctx, c->next, count, c, check_row_of_saga, err);
		if (rc != 0)
			return rc;
		while (c->next < last)
			pass_missing(c);
	}
	report_missing(c);
	return 0;
}

int verify_rows_of(struct store_verification *v, const struct saga_row *row, struct saga *s, void *each_ctx,
				   int (*each)(void *each_ctx, const struct log_row *row), struct err *err)
{
	struct saga_rows_check c = { .v = v, .row = row, .s = s, .each_ctx = each_ctx, .each = each };
	struct err why = { 0 };
	int rc = saga_log_complete(&s->rows, 0, v->source->log_rows, v->source->ctx, &why);
	if (rc == ERR_CORRUPT) {
		store_verify_finding(v, "saga %lld: %s", (long long)s->id, why.text);
		verify_rows_unknown(v, s->id);
	} else if (rc != 0) {
		return err_set(err, rc, "%s", why.text);
	}
	rc = read_rows(&c, &s->rows, err);
	return rc == 0 ? check_digest(&c, err) : rc;
}
