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
};

/* verify_events.c: the payloads of events against the digests in the log. */

/* A related event that was recorded with this digest when it began to wait for its gift. */
int verify_related(struct store_verification *v, int64_t id, struct str digest, struct err *err) MUST_CHECK;
/* The event of a saga and its related events, against the log rows of the saga. */
int verify_events_of(struct store_verification *v, int64_t saga, struct err *err) MUST_CHECK;

#endif
