/* Which sagas a verb in bulk is for, newest first: those that match the filter and that the verb, tried on a
 * copy, would move. Counts what it passes on the way. Private to the room. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_BULK_MATCH_H
#define ALMONER_GATEWAY_ADMIN_VERBS_BULK_MATCH_H

#include "gateway/admin/api.h"
#include "gateway/admin/query.h"
#include "gateway/admin/verbs/held_targets.h"
#include "gateway/admin/verbs/scan.h"
#include "saga/model/decide.h"
#include "saga/model/job.h"

struct bulk_match {
	const struct api_context *api; /* borrowed */
	struct store_reader reader;
	struct query_string query; /* owns the filter's texts */
	struct saga_filter filter;
	struct config *config;
	struct saga_scan scan;
	struct held_targets held; /* what goes on waiting, counted */
	struct verb_call verb;
	int64_t position; /* sagas from this id up have been looked at */
	/* Since they were last set to 0. */
	int64_t in_doubt;    /* of those the verb does not move; of all with `rehearsal` */
	int64_t passed_over; /* open, but not for this verb: quarantined ones are not resumed */
	bool dry_run;        /* nothing will be done: doubt of those that match counts, too */
};

/* Goes on from job->position, with the counts in job->held. Texts of `job` are borrowed as the verb's. On
 * failure nothing is left to close. */
int bulk_match_open(const struct api_context *api, const struct job *job, struct bulk_match *ret,
					struct err *err) MUST_CHECK;
void bulk_match_close(struct bulk_match *s);
/* Looks at one saga: *ret is it, as it would be after the verb, when it is to be moved, else NULL; the
 * caller's to saga_destroy. Gives 1, 0 at the end, or ERR_*; ERR_BUSY may be tried again. */
int bulk_match_next(struct bulk_match *s, struct saga **ret, struct err *err) MUST_CHECK;
/* After a while: today's configuration and holds; what was read ahead is read again. */
int bulk_match_refresh(struct bulk_match *s, struct err *err) MUST_CHECK;

#endif
