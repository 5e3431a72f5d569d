#include "gateway/admin/verbs/bulk_match.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/verbs/dry_run.h"
#include "saga/base/mem.h"

static void begin_scan(struct bulk_match *s)
{
	/* Only compensate changes sagas at rest. */
	scan_begin(&s->scan, &s->reader, &s->filter, s->position, s->verb.verb != VERB_COMPENSATE);
}

/* Reads which targets are held or paused now, and takes over the counts so far. `counted`: JSON text, or "".
 */
static int open_held(struct bulk_match *s, const char *counted, struct err *err)
{
	struct held_targets held = { 0 };
	int rc = held_targets_read(&s->reader, s->config, &held, err);
	if (rc == 0) {
		held_targets_finish(&s->held);
		s->held = held;
		held_targets_add_json(&s->held, counted);
	}
	return rc;
}

int bulk_match_open(const struct api_context *api, const struct job *job, struct bulk_match *ret,
					struct err *err)
{
	assert(job->position >= 0 && job->filter != NULL);
	*ret = (struct bulk_match){ .api = api, .position = job->position };
	ret->verb = (struct verb_call){ .verb = job->verb,
									.step = -1,
									.actor = job->actor,
									.note = job->note,
									.redo_in_doubt = job->redo_in_doubt };
	ret->config = api->config(api->ctx);
	int rc = query_parse(job->filter, &ret->query, err);
	if (rc == 0)
		rc = query_filter(&ret->query, job->created_ms, &ret->filter, err);
	if (rc == 0)
		rc = api->open_reader(api->ctx, &ret->reader, err);
	if (rc == 0)
		rc = open_held(ret, job->held, err);
	if (rc == 0)
		begin_scan(ret);
	else
		bulk_match_close(ret);
	return rc;
}

void bulk_match_close(struct bulk_match *s)
{
	scan_finish(&s->scan);
	held_targets_finish(&s->held);
	if (s->reader.close != NULL)
		s->reader.close(s->reader.ctx);
	config_unref(s->config);
	query_finish(&s->query);
	*s = (struct bulk_match){ 0 };
}

int bulk_match_refresh(struct bulk_match *s, struct err *err)
{
	assert(s->api != NULL);
	json_t *counted = held_targets_json(&s->held);
	char *text AUTO_FREE = json_dumps(counted, JSON_COMPACT);
	json_decref(counted);
	config_unref(s->config);
	s->config = s->api->config(s->api->ctx);
	int rc = open_held(s, text != NULL ? text : "", err);
	scan_finish(&s->scan);
	begin_scan(s);
	return rc;
}

/* Would the verb change this saga? Applies the verb to `saga` itself and counts doubts and sagas left out. */
static bool verb_changes(struct bulk_match *s, struct saga *saga)
{
	unsigned changed = 0;
	unsigned doubt = 0;
	bool open = !saga_state_at_rest((enum saga_state)saga->state);
	int rc = dry_run_verb(saga, s->config, s->api->now_ms(s->api->ctx), &s->verb, &changed, &doubt, NULL);
	s->in_doubt += rc == 0 && (changed == 0 || s->dry_run) ? doubt : 0;
	/* reprocess applies to few sagas, so the number of the others means nothing to the operator */
	s->passed_over += rc != 0 && open && s->verb.verb != VERB_REPROCESS ? 1 : 0;
	return rc == 0 && changed > 0;
}

/* One page of the scan can end without a saga although there are more; then *ret is NULL and the result 1. */
int bulk_match_next(struct bulk_match *s, struct saga **ret, struct err *err)
{
	assert(s->api != NULL); /* bulk_match_open succeeded */
	*ret = NULL;
	bool more = true;
	struct saga *saga = NULL;
	int rc = scan_next(&s->scan, &saga, &more, err);
	if (rc != 0)
		return rc;
	if (saga == NULL)
		return more ? 1 : 0;
	bool matches = verb_changes(s, saga);
	if (s->verb.verb == VERB_RESUME)
		held_targets_count(&s->held, saga); /* verb_changes has applied the verb to `saga` */
	s->position = saga->id;
	if (matches)
		*ret = saga;
	else
		saga_destroy(saga);
	return 1;
}
