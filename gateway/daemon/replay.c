/* `refused replay`: verifies a rejected request anew, with the secrets in use now but by the time at which it
 * arrived. */
#include <string.h>

#include "gateway/admin/verbs/replay.h"
#include "gateway/daemon/daemon_internal.h"
#include "gateway/intake/pipeline/prepare.h"
#include "gateway/intake/rejected.h"
#include "saga/base/mem.h"

struct accept_wait {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	struct accept_result result;
};

static void on_accepted(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct accept_wait *w = ctx;
	prepare_destroy((struct prepared *)a);
	pthread_mutex_lock(&w->lock);
	w->result = *result;
	w->done = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* Takes ownership of `p`, also on failure. Blocks until the journal has committed or refused the event. */
static int accept_and_wait(struct daemon *d, struct prepared *p, struct accept_result *ret)
{
	struct accept_wait w = { .done = false };
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.changed, NULL);
	p->accept.ctx = &w;
	p->accept.done = on_accepted;
	const struct command command = { .kind = COMMAND_REPLAY, .u.accept = &p->accept };
	int rc = command_run(d->cell, &command);
	if (rc != 0)
		prepare_destroy(p);
	pthread_mutex_lock(&w.lock);
	while (rc == 0 && !w.done)
		pthread_cond_wait(&w.changed, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.changed);
	pthread_mutex_destroy(&w.lock);
	*ret = w.result;
	return rc != 0 ? rc : w.result.code;
}

/* Runs the same steps as intake: verification, map, routes. ERR_REFUSED: still no secret fits. */
static int reverify(struct daemon *d, const struct rejected_row *row, struct rejected_headers *headers,
					struct prepared **ret)
{
	struct rules *rules = intake_server_rules(d->intake);
	char *source AUTO_FREE = mem_strndup(row->source.p, row->source.len);
	char *url AUTO_FREE = mem_strndup(row->url.p, row->url.len);
	const struct intake_request request = { .body = row->body,
											.headers_ctx = headers,
											.header = rejected_header,
											.url = url,
											.now_ms = row->received_ms,
											.wall_ms = row->wall_ms };
	int rc = prepare_event(rules, source, &request, NULL, NULL, ret);
	rules_unref(rules);
	return rc;
}

/* Intake has the same limit: a wrong map must not fill the disk with quarantined events. */
static bool over_cap(struct daemon *d, const struct prepared *p)
{
	if (p->accept.start.own_reason != REASON_QUARANTINED)
		return false;
	struct config *config = daemon_config_get(d);
	int64_t cap = config->limits.quarantine_cap;
	config_unref(config);
	return daemon_quarantine_count(d, p->accept.event->f.source.p) >= cap;
}

/* A dry run stops after the verification and stores nothing. */
int daemon_replay(void *ctx, const struct rejected_row *row, const struct replay_call *call,
				  struct accept_result *ret)
{
	struct daemon *d = ctx;
	struct rejected_headers headers;
	struct prepared *p = NULL;
	*ret = (struct accept_result){ 0 };
	int rc = rejected_unpack(row->headers, &headers);
	if (rc != 0)
		return rc;
	rc = reverify(d, row, &headers, &p);
	rejected_headers_finish(&headers);
	if (rc != 0)
		return rc;
	if (call->dry_run || over_cap(d, p)) {
		rc = call->dry_run ? 0 : ERR_FULL;
		prepare_destroy(p);
		return rc;
	}
	p->accept.actor = call->actor;
	p->accept.note = call->note;
	rc = accept_and_wait(d, p, ret);
	/* If the daemon ends before the row is dropped, the next replay finds the event to be a duplicate: no
	 * harm. */
	const struct command drop = { .kind = COMMAND_DROP_REJECTED, .u.rejected = row->id };
	return rc == 0 ? command_run(d->cell, &drop) : rc;
}
