/* Finds the sagas of a bulk verb, newest first: those that match the filter and that the verb, applied to a
 * copy, would change. Counts what it leaves out on the way. */
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
	struct query_string query; /* owns the texts to which `filter` points */
	struct saga_filter filter;
	struct config *config;
	struct saga_scan scan;
	struct held_targets held; /* counts the steps that wait because their target is held or paused */
	struct verb_call verb;
	int64_t position; /* the sagas from this id up have been examined */
	/* Counts since the user of this struct last set them to 0. */
	int64_t in_doubt; /* steps in doubt, of sagas that the verb does not change; with dry_run of all sagas */
	int64_t passed_over; /* open sagas to which the verb does not apply: a quarantined one is not resumed */
	bool dry_run;        /* no saga is changed afterwards, so in_doubt counts the matching sagas, too */
};

/* Continues from job->position with the counts in job->held. Borrows the texts of `job` until
 * bulk_match_close. After an error there is nothing to close. */
int bulk_match_open(const struct api_context *api, const struct job *job, struct bulk_match *ret,
					struct err *err) MUST_CHECK;
void bulk_match_close(struct bulk_match *s);
/* Examines at most one saga. *ret: the saga as it would be after the verb, if the verb changes it, else NULL;
 * the caller calls saga_destroy. Returns 1, 0 at the end, or ERR_*; after ERR_BUSY the call may be repeated.
 */
int bulk_match_next(struct bulk_match *s, struct saga **ret, struct err *err) MUST_CHECK;
/* Reads the current configuration and holds, and reads the sagas again that were read ahead. A job calls it
 * now and then, so that it does not work with old data. */
int bulk_match_refresh(struct bulk_match *s, struct err *err) MUST_CHECK;

#endif
