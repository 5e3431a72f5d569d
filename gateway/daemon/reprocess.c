/* `event reprocess`: maps a stored event anew with the configuration in use. */
#include "gateway/daemon/daemon_internal.h"
#include "gateway/intake/pipeline/prepare.h"

/* The time of reception stays that of the event; only the map, the routes and the plan are today's. */
int daemon_reprocess(void *ctx, int64_t saga, const struct event *event, const char *actor, const char *note,
					 void *done_ctx, void (*done)(void *done_ctx, const struct verb_result *result),
					 struct err *err)
{
	struct daemon *d = ctx;
	struct config *config = daemon_config_get(d);
	struct rules *rules = NULL;
	int rc = rules_create(config, &rules, err);
	config_unref(config);
	if (rc != 0)
		return rc;
	struct intake_request request = { .body = event->f.raw,
									  .now_ms = event->received_ms,
									  .wall_ms = d->clock.wall_ms(d->clock.ctx) };
	struct prepare_known known = { .event_id = event->f.event_id.p, .type = event->f.type.p };
	struct prepared *p AUTO_PREPARED = NULL;
	rc = prepare_event(rules, event->f.source.p, &request, &known, NULL, &p);
	rules_unref(rules);
	if (rc != 0)
		return err_set(err, rc, "source %s: %s", event->f.source.p,
					   rc == ERR_NOT_FOUND ? "the source is no longer in the configuration"
										   : err_code_text(rc));
	if (p->accept.start.own_reason != REASON_NONE)
		return err_set(err, ERR_REFUSED, "the event is still not usable: %s", p->note);
	const struct command command = { .kind = COMMAND_REPROCESS,
									 .actor = actor,
									 .note = note,
									 .ctx = done_ctx,
									 .u.reprocess = { .saga = saga, .mapped = &p->accept, .done = done } };
	return command_run(d->cell, &command);
}
