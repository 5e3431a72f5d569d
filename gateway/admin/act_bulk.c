/* One verb on all sagas that match: a line per saga, then a summary; with "dry_run" only the summary. Goes by
 * id from the newest down, so what arrives meanwhile is not touched, none comes twice, and live traffic meets
 * one operation at a time. Each saga is first tried on a copy: what the verb would not move is no match. */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/act.h"
#include "gateway/admin/rehearse.h"
#include "gateway/admin/saga_json.h"
#include "gateway/admin/scan.h"
#include "gateway/admin/wait.h"
#include "saga/base/mem.h"

#define LOOKED_AT_ONCE 256 /* sagas between two pieces of the answer */

struct bulk {
	const struct api_context *api;
	struct store_reader reader;
	struct query query; /* owns the filter's texts */
	struct saga_filter filter;
	struct config *config;
	struct scan scan;
	struct held_targets held;
	struct verb_call verb;
	char *actor;
	char *note;
	bool dry_run;
	int64_t matched, moved, steps, in_doubt;
	int64_t passed_over; /* open, but not for this verb: quarantined ones are not resumed */
	int64_t refused;     /* matched, and then the journal said no */
};

/* Would the verb move this one? Changes `s`. */
static bool bulk_matches(struct bulk *b, struct saga *s)
{
	unsigned changed = 0;
	unsigned doubt = 0;
	bool open = !saga_state_at_rest((enum saga_state)s->state);
	int rc = rehearse_verb(s, b->config, b->api->now_ms(b->api->ctx), &b->verb, &changed, &doubt, NULL);
	b->in_doubt += rc == 0 && (changed == 0 || b->dry_run) ? doubt : 0;
	b->passed_over += rc != 0 && open ? 1 : 0;
	return rc == 0 && changed > 0;
}

static void bulk_told(struct bulk *b, int64_t saga, const struct verb_result *r, struct buf *out)
{
	if (r->code != 0)
		b->refused++;
	else if (r->changed > 0)
		b->moved++;
	b->steps += r->changed;
	b->in_doubt += r->in_doubt;
	json_t *line = r->code == 0 ? act_result_json(r) : json_object();
	if (r->code != 0)
		json_object_set_new(line, "error", admin_text(r->err.text));
	json_object_set_new(line, "saga", json_integer(saga));
	admin_line(out, line);
}

static int bulk_one(struct bulk *b, struct saga *s, struct buf *out, struct err *err)
{
	bool matches = bulk_matches(b, s);
	if (b->verb.verb == VERB_RESUME)
		held_count(&b->held, s); /* as it stands after the verb */
	if (!matches)
		return 0;
	b->matched++;
	if (b->dry_run)
		return 0;
	struct wait wait;
	wait_init(&wait);
	int rc = journal_verb(b->api->journal, s->id, &b->verb, &wait, wait_done);
	if (rc == 0)
		bulk_told(b, s->id, wait_result(&wait), out);
	wait_finish(&wait);
	return rc != 0
			   ? err_set(err, rc, "stopped after %lld sagas: the daemon takes no more", (long long)b->moved)
			   : 0;
}

static void bulk_summary(const struct bulk *b, struct buf *out)
{
	json_t *line = json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "done", 1, "dry_run",
							 b->dry_run, "matched", (json_int_t)b->matched, "moved", (json_int_t)b->moved,
							 "steps", (json_int_t)b->steps, "in_doubt", (json_int_t)b->in_doubt, "refused",
							 (json_int_t)b->refused, "passed_over", (json_int_t)b->passed_over, "held",
							 (json_int_t)held_total(&b->held));
	json_object_set_new(line, "held_target", admin_text(held_most(&b->held)));
	json_object_set_new(line, "held_targets", held_json(&b->held));
	admin_line(out, line);
}

static int bulk_more(void *stream, struct buf *out, struct err *err)
{
	struct bulk *b = stream;
	bool more = true;
	for (unsigned looked = 0; looked < LOOKED_AT_ONCE; looked++) {
		struct saga *s = NULL;
		int rc = scan_next(&b->scan, &s, &more, err);
		if (rc != 0)
			return rc;
		if (s == NULL && !more) {
			bulk_summary(b, out);
			return 0;
		}
		if (s == NULL)
			return 1;
		rc = bulk_one(b, s, out, err);
		saga_destroy(s);
		if (rc != 0)
			return rc;
	}
	return 1;
}

static void bulk_free(void *stream)
{
	struct bulk *b = stream;
	scan_finish(&b->scan);
	held_finish(&b->held);
	if (b->reader.close != NULL)
		b->reader.close(b->reader.ctx);
	config_unref(b->config);
	query_finish(&b->query);
	free(b->actor);
	free(b->note);
	free(b);
}

static int bulk_verb(struct call *call, struct bulk *b, struct err *err)
{
	static const char *const words[] = { "resume", "pause", "cancel", "compensate" };
	b->verb = (struct verb_call){
		.step = -1, .actor = b->actor, .note = b->note, .redo_in_doubt = call_flag(call, "redo_in_doubt")
	};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(call->name[0], words[i]) == 0)
			return act_parse_verb(call->name[0], call->body, &b->verb.verb, err);
	return err_set(err, ERR_INVALID,
				   "in bulk there are resume, pause, cancel and compensate; \"%s\" is none of them",
				   call->name[0]);
}

static int bulk_begin(struct call *call, struct bulk *b, struct err *err)
{
	b->api = call->api;
	b->actor = mem_strdup(call->request->actor);
	b->note = mem_strdup(call_note(call));
	b->dry_run = call_flag(call, "dry_run");
	b->config = call->api->config(call->api->ctx);
	int rc = bulk_verb(call, b, err);
	b->query = call->query;
	call->query = (struct query){ 0 };
	if (rc == 0)
		rc = query_filter(&b->query, call->api->now_ms(call->api->ctx), &b->filter, err);
	if (rc == 0)
		rc = call->api->open_reader(call->api->ctx, &b->reader, err);
	if (rc == 0)
		rc = held_read(&b->reader, b->config, &b->held, err);
	/* What is at rest can only be undone. */
	scan_begin(&b->scan, &b->reader, &b->filter, b->verb.verb != VERB_COMPENSATE);
	return rc;
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
