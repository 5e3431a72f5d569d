/* A complete request: verified, prepared, handed over to the journal, and answered after its commit. */
#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/prepare.h"
#include "gateway/intake/rejected.h"
#include "gateway/intake/server/request_internal.h"
#include "saga/base/mem.h"

/* Retry-After, in seconds, while a source has too many quarantined events: an operator must act first.
 * Chosen; no measurement. */
#define RETRY_QUARANTINE_S 60

/* Gives the URL that the sender used, for signatures that cover the URL. X-Forwarded headers are believed
 * only if they come from a trusted proxy. */
static char *full_url(struct server_request *r)
{
	const struct config *config = r->rules->config;
	const char *scheme = "http", *host = request_mhd_header(r->mhd, "Host");
	if (config->listen.public_url != NULL)
		return mem_printf("%s%s", config->listen.public_url, r->uri);
	if (peer_trusted(config, &r->connection->peer)) {
		const char *proto = request_mhd_header(r->mhd, "X-Forwarded-Proto");
		const char *forwarded = request_mhd_header(r->mhd, "X-Forwarded-Host");
		scheme = proto != NULL && strcmp(proto, "https") == 0 ? "https" : scheme;
		host = forwarded != NULL ? forwarded : host;
	}
	return mem_printf("%s://%s%s", scheme, host != NULL ? host : "", r->uri);
}

/* Does the signature of this source cover the URL? A source that keeps rejected requests always needs the
 * URL, because an operator may configure such a signature before the replay. */
static bool url_needed(const struct config_source *source)
{
	const char *template = source->verify.signed_string;
	return source->keep_rejected_bytes > 0 || (template != NULL && strstr(template, "{url}") != NULL);
}

/* True if the event would be quarantined although its source has limits.quarantine_cap open quarantined
 * events already. */
static bool over_cap(const struct server_request *r, const struct prepared *p)
{
	const struct intake_server_hooks *hooks = &r->server->options.hooks;
	if (p->accept.start.own_reason != REASON_QUARANTINED || hooks->quarantined == NULL)
		return false;
	return hooks->quarantined(hooks->ctx, r->source->config->name) >= r->rules->config->limits.quarantine_cap;
}

/* Counts the result of a commit. Unrouted and quarantined events are also counted as accepted. */
static void count_result(const struct server_request *r, const struct accept_result *result)
{
	if (result->code != 0)
		counter_add(r->counter, INTAKE_BUSY);
	else if (result->duplicate)
		counter_add(r->counter, INTAKE_DUPLICATE);
	else
		counter_add(r->counter, result->related ? INTAKE_RELATED : INTAKE_ACCEPTED);
	if (result->code != 0 || result->duplicate)
		return;
	if (result->unrouted)
		counter_add(r->counter, INTAKE_UNROUTED);
	if (result->quarantined)
		counter_add(r->counter, INTAKE_QUARANTINED);
}

/* The journal calls this after the commit, on any thread, perhaps long after the sender got a 503. */
static void committed(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct server_request *r = ctx;
	struct intake_server *s = r->server;
	count_result(r, result);
	struct intake_answer answer = answer_of(result, (unsigned)r->source->config->answer);
	waiting_answer(r, &answer);
	prepare_destroy((struct prepared *)a);
	request_unref(r);
	intake_server_unref(s);
}

/* Suspends the connection before the journal gets the event, because the commit may come before `accept`
 * returns. */
static void submit_to_journal(struct server_request *r, struct prepared *p)
{
	struct intake_server *s = r->server;
	p->accept.ctx = request_ref(r);
	p->accept.done = committed;
	atomic_fetch_add(&s->references, 1);
	waiting_begin(r);
	if (s->options.journal.accept(s->options.journal.ctx, &p->accept) != 0) {
		const struct accept_result rejected = { .code = ERR_FULL };
		committed(r, &p->accept, &rejected);
	}
}

/* Order: size, signature, quarantine cap, journal. */
bool request_submit(struct server_request *r)
{
	struct intake_server *s = r->server;
	struct intake_answer answer = answer_error(413, "too large");
	if (r->excess_bytes > 0) {
		request_answer_rejected(r, INTAKE_TOO_LARGE, &answer, "too large");
		return false;
	}
	char *url AUTO_FREE = url_needed(r->source->config) ? full_url(r) : NULL;
	const struct intake_request request = {
		.body = { r->body.data != NULL ? r->body.data : "", r->body.len },
		.headers_ctx = r->mhd,
		.header = request_mhd_header,
		.url = url,
		.now_ms = intake_server_now(s),
		.wall_ms = s->options.clock.wall_ms(s->options.clock.ctx),
	};
	struct prepared *p = NULL;
	if (prepare_event(r->rules, r->source->config->name, &request, NULL, NULL, &p) != 0) {
		answer = (struct intake_answer){ .status = 401, .body = "{\"error\":\"not verified\"}" };
		rejected_keep(r, &request);
		request_answer_rejected(r, INTAKE_UNVERIFIED, &answer, "not verified");
		return false;
	}
	request_body_drop(r); /* the event has its own copy of the body */
	if (over_cap(r, p)) {
		prepare_destroy(p);
		request_answer_busy(r, RETRY_QUARANTINE_S, "too many quarantined events");
		return false;
	}
	submit_to_journal(r, p);
	return true;
}
