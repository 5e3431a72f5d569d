/* One verb on all sagas that match: the count first, then a line per saga, then a summary. Pages by id from
 * the newest down, so what arrives meanwhile is not touched, and live traffic meets one operation at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/act.h"
#include "gateway/admin/saga_json.h"
#include "gateway/admin/wait.h"
#include "saga/base/mem.h"

#define BULK_PAGE 32

struct bulk {
	const struct api_context *api;
	struct store_reader reader;
	struct query query;
	struct saga_filter filter;
	struct verb_call verb;
	char *actor;
	char *note;
	bool dry_run;
	int64_t before;
	int64_t matched, moved, steps, in_doubt, refused, held;
	char held_target[128];
};

static void count_result(struct bulk *b, const struct verb_result *r)
{
	if (r->code != 0)
		b->refused++;
	else if (r->changed > 0)
		b->moved++;
	b->steps += r->changed;
	b->in_doubt += r->in_doubt;
	b->held += r->held;
	if (r->held > 0)
		memcpy(b->held_target, r->held_target, sizeof b->held_target);
}

/* Would the verb do something here? Resume is asked of everything; at rest it changes nothing and is no
 * match. */
static bool bulk_matches(const struct bulk *b, const struct saga *s)
{
	return b->verb.verb != VERB_RESUME || s->paused || s->state == SAGA_ATTENTION ||
		   s->state == SAGA_RUNNING || s->state == SAGA_COMPENSATING;
}

static bool step_waits(const struct step *st)
{
	return st->state == STEP_RETRY_WAIT || st->state == STEP_ATTENTION;
}

/* A running saga without a step that backs off or needs a person goes on by itself. */
static bool resume_has_work(const struct saga *s)
{
	if (s->paused || s->own_reason != REASON_NONE)
		return s->paused;
	for (unsigned i = 0; i < s->step_count; i++)
		if (step_waits(&s->steps[i]))
			return true;
	return false;
}

static int bulk_one(struct bulk *b, const struct saga *s, struct buf *out)
{
	if (!bulk_matches(b, s) || (b->verb.verb == VERB_RESUME && !resume_has_work(s)))
		return 0;
	b->matched++;
	if (b->dry_run)
		return 0;
	struct wait wait;
	wait_init(&wait);
	int rc = journal_verb(b->api->journal, s->id, &b->verb, &wait, wait_done);
	if (rc == 0) {
		const struct verb_result *r = wait_result(&wait);
		count_result(b, r);
		json_t *line = r->code == 0 ? act_result_json(r) : json_pack("{s:s}", "error", r->err.text);
		json_object_set_new(line, "saga", json_integer(s->id));
		admin_line(out, line);
	}
	wait_finish(&wait);
	return rc;
}

static void bulk_summary(const struct bulk *b, struct buf *out)
{
	admin_line(out, json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "done", 1, "dry_run",
							  b->dry_run, "matched", (json_int_t)b->matched, "moved", (json_int_t)b->moved,
							  "steps", (json_int_t)b->steps, "in_doubt", (json_int_t)b->in_doubt, "refused",
							  (json_int_t)b->refused, "held", (json_int_t)b->held, "held_target",
							  admin_text(b->held_target)));
}

static int bulk_more(void *stream, struct buf *out, struct err *err)
{
	struct bulk *b = stream;
	struct saga *page[BULK_PAGE];
	size_t count = 0;
	int64_t next = 0;
	int rc =
		b->reader.saga_list(b->reader.ctx, &b->filter, b->before, 200, page, BULK_PAGE, &count, &next, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (rc == 0)
			rc = bulk_one(b, page[i], out);
		saga_destroy(page[i]);
	}
	if (rc != 0)
		return err_set(err, rc, "stopped after %lld sagas: the daemon takes no more", (long long)b->matched);
	b->before = next;
	if (next != 0)
		return 1;
	bulk_summary(b, out);
	return 0;
}

static void bulk_free(void *stream)
{
	struct bulk *b = stream;
	if (b->reader.close != NULL)
		b->reader.close(b->reader.ctx);
	query_finish(&b->query);
	free(b->actor);
	free(b->note);
	free(b);
}

static int bulk_begin(struct call *call, struct bulk *b, struct err *err)
{
	b->api = call->api;
	b->before = INT64_MAX;
	b->actor = mem_strdup(call->request->actor);
	b->note = mem_strdup(call_note(call));
	b->dry_run = call_flag(call, "dry_run");
	b->verb = (struct verb_call){
		.step = -1, .actor = b->actor, .note = b->note, .redo_in_doubt = call_flag(call, "redo_in_doubt")
	};
	int rc = act_parse_verb(call->name[0], call->body, &b->verb.verb, err);
	if (rc == 0 && b->verb.verb != VERB_RESUME && b->verb.verb != VERB_PAUSE && b->verb.verb != VERB_CANCEL &&
		b->verb.verb != VERB_COMPENSATE)
		rc = err_set(err, ERR_INVALID,
					 "in bulk there are resume, pause, cancel and compensate; `%s` is for one step",
					 call->name[0]);
	b->query = call->query;
	call->query = (struct query){ 0 };
	if (rc == 0)
		rc = query_filter(&b->query, call->api->now_ms(call->api->ctx), &b->filter, err);
	return rc == 0 ? call->api->open_reader(call->api->ctx, &b->reader, err) : rc;
}

void act_bulk(struct call *call)
{
	struct bulk *b = mem_zalloc(sizeof *b);
	struct err err = { 0 };
	int rc = bulk_begin(call, b, &err);
	if (rc != 0) {
		call_fail(call, rc, err.text);
		bulk_free(b);
		return;
	}
	call->reply->stream = b;
	call->reply->more = bulk_more;
	call->reply->stream_free = bulk_free;
}
