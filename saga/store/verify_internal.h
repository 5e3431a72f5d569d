/* What the files of the verification share. */
#ifndef ALMONER_SAGA_STORE_VERIFY_INTERNAL_H
#define ALMONER_SAGA_STORE_VERIFY_INTERNAL_H

#include "saga/store/verify.h"

struct store_verification {
	const struct verify_source *source;
	void *report_ctx;
	void (*report)(void *report_ctx, const char *line);
	int64_t findings;
	/* The position of the check between two slices. */
	struct chain_row last;        /* the commit checked last */
	struct store_figures figures; /* as of that commit */
	bool figures_lost;            /* a commit since the last full copy has figures that do not decode */
	int64_t saga;                 /* the saga checked last */
	struct store_figures now;     /* as of the moment of the slice */
	bool marks_known;             /* `now` is read */
	int64_t step_saga;            /* saga and number of the step row checked last */
	int64_t step;
	struct row_sums *sums; /* verify_rows.c */
	bool rows_lost;        /* a part of the log, or of the sagas, could not be read */
};

/* verify_rows.c: sagas against the log rows about them. */

void verify_rows_begin(struct store_verification *v);
void verify_rows_free(struct store_verification *v);
/* For every row of the log, before the sagas are checked. */
void verify_rows_add(struct store_verification *v, const struct log_row *row);
/* The saga's rows cannot be told, so rows that nothing names are no finding. */
void verify_rows_unknown(struct store_verification *v, int64_t saga);
/* Checks the rows of a saga, and the saga by the digest in the last of them; s->rows is completed. `each` gets
 * every row, as in a saga_log_rows. */
int verify_rows_of(struct store_verification *v, const struct saga_row *row, struct saga *s, void *each_ctx,
				   int (*each)(void *each_ctx, const struct log_row *row), struct err *err) MUST_CHECK;
/* After the last saga: reports rows that no saga names. */
void verify_rows_end(struct store_verification *v);

/* verify_events.c: the payloads of events against the digests in the log. */

/* A related event that was recorded with this digest when it began to wait for its gift. */
int verify_related(struct store_verification *v, int64_t id, struct str digest, struct err *err) MUST_CHECK;
/* The event of a saga and its related events, against the log rows of the saga, which are checked on the way. */
int verify_events_of(struct store_verification *v, const struct saga_row *row, struct saga *s,
					 struct err *err) MUST_CHECK;

#endif
