/* One request, from its first line to its answer. */
#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/prepare.h"
#include "gateway/intake/rejected.h"
#include "gateway/intake/server/framing.h"
#include "gateway/intake/server/server_internal.h"
#include "saga/base/mem.h"

#define PATH_PREFIX "/in/"

/* How soon a refused sender may come again. */
enum { RETRY_FULL_S = 5, RETRY_STOPPING_S = 10, RETRY_PAUSED_S = 60 };

static struct server_request *request_ref(struct server_request *r)
{
	(void)__atomic_add_fetch(&r->references, 1, __ATOMIC_RELAXED);
	return r;
}

static void request_unref(struct server_request *r)
{
	if (__atomic_sub_fetch(&r->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	rules_unref(r->rules);
	buf_free(&r->body);
	free(r->uri);
	free(r);
}

static const char *header_of(void *ctx, const char *name)
{
	return MHD_lookup_connection_value(ctx, MHD_HEADER_KIND, name);
}

/* ---- answering ---- */

static enum MHD_Result send_answer(struct server_request *r, const struct intake_answer *answer)
{
	struct intake_server *s = r->server;
	/* Copied by the library; the parameter just is not const. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(answer->body), (void *)(uintptr_t)answer->body, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	char seconds[16];
	(void)snprintf(seconds, sizeof seconds, "%u", answer->retry_after_s);
	enum MHD_Result ok = MHD_add_response_header(response, "Content-Type", "application/json");
	if (ok == MHD_YES && answer->retry_after_s > 0)
		ok = MHD_add_response_header(response, "Retry-After", seconds);
	if (ok == MHD_YES && answer->allow != NULL)
		ok = MHD_add_response_header(response, "Allow", answer->allow);
	if (ok == MHD_YES && atomic_load(&s->closing))
		ok = MHD_add_response_header(response, "Connection", "close");
	if (ok == MHD_YES)
		ok = MHD_queue_response(r->mhd, answer->status, response);
	MHD_destroy_response(response);
	connection_set_phase(s, r->connection, CONNECTION_SENDING);
	return ok;
}

static void report_rejected(struct server_request *r, unsigned status, const char *why)
{
	const struct intake_server_hooks *hooks = &r->server->options.hooks;
	char address[PEER_TEXT_BYTES];
	if (hooks->rejected == NULL)
		return;
	peer_text(&r->client, address);
	hooks->rejected(hooks->ctx, r->source != NULL ? r->source->config->name : "", address, (int)status, why);
}

/* Answers once the body has been read and dropped: an answer before its end costs the sender its connection,
 * and perhaps the answer. */
static enum MHD_Result answer_later(struct server_request *r, const struct intake_answer *answer)
{
	r->answer_ready = true;
	r->answer = *answer;
	return MHD_YES;
}

static enum MHD_Result refuse(struct server_request *r, enum intake_counter count,
							  const struct intake_answer *answer, const char *why)
{
	counter_add(r->counter, count);
	report_rejected(r, answer->status, why);
	return answer_later(r, answer);
}

static enum MHD_Result refuse_busy(struct server_request *r, unsigned retry_after_s, const char *message)
{
	struct intake_answer answer = answer_busy(retry_after_s, message);
	return refuse(r, INTAKE_BUSY, &answer, message);
}

/* ---- the beginning: line and headers are there ---- */

void *request_open(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct intake_server *s = cls;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct server_request *r = mem_zalloc(sizeof *r);
	r->server = s;
	r->mhd = mhd;
	r->connection = info->socket_context;
	r->client = r->connection->peer;
	r->uri = mem_strdup(uri);
	r->references = 1;
	connection_set_phase(s, r->connection, CONNECTION_READING);
	return r;
}

static enum MHD_Result answer_health(struct server_request *r, const char *url, const char *method)
{
	const struct intake_server_hooks *hooks = &r->server->options.hooks;
	const char *why = "stopping";
	struct intake_answer answer = { .status = 200, .body = "{\"alive\":true}" };
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		answer = answer_error(405, "only GET here");
		answer.allow = "GET, HEAD";
		return answer_later(r, &answer);
	}
	if (strcmp(url, "/readyz") == 0) {
		bool ready =
			!atomic_load(&r->server->closing) && (hooks->ready == NULL || hooks->ready(hooks->ctx, &why));
		answer.status = ready ? 200 : 503;
		(void)snprintf(answer.body, sizeof answer.body,
					   ready ? "{\"ready\":true}" : "{\"ready\":false,\"why\":\"%s\"}", why);
	}
	return answer_later(r, &answer);
}

/* Behind a trusted proxy the sender is who the proxy says, and has a share of its own. */
static bool count_client(struct server_request *r)
{
	struct intake_server *s = r->server;
	const struct config *config = r->rules->config;
	if (!peer_trusted(config, &r->connection->peer))
		return true;
	r->client = peer_behind_proxy(config, &r->connection->peer, header_of(r->mhd, "X-Forwarded-For"));
	(void)pthread_mutex_lock(&s->lock);
	bool may = peers_count(s->peers, &r->client) < config->limits.connections;
	/* A proxy that does not say for whom it comes is not counted against itself. */
	may = may || peer_trusted(config, &r->client);
	if (may)
		peers_add(s->peers, &r->client);
	r->client_counted = may;
	(void)pthread_mutex_unlock(&s->lock);
	return may;
}

static bool find_source(struct server_request *r, const char *url)
{
	struct intake_server *s = r->server;
	int index = config_find_source(r->rules->config, str_of(url + sizeof PATH_PREFIX - 1));
	r->source = index >= 0 ? &r->rules->sources[index] : NULL;
	(void)pthread_mutex_lock(&s->lock);
	r->counter = counter_of(s, index >= 0 ? r->source->config->name : "");
	(void)pthread_mutex_unlock(&s->lock);
	return index >= 0;
}

/* False when the length said already exceeds the limit. */
static bool length_fits(struct server_request *r)
{
	const char *length = header_of(r->mhd, "Content-Length");
	return length == NULL ||
		   strtoull(length, NULL, 10) <= (unsigned long long)r->rules->config->limits.body_bytes;
}

static enum MHD_Result begin_event(struct server_request *r, const char *url, const char *method)
{
	struct intake_answer answer;
	if (!find_source(r, url)) {
		answer = answer_error(404, "no such source");
		return answer_later(r, &answer);
	}
	if (strcmp(method, "POST") != 0) {
		answer = answer_error(405, "only POST here");
		answer.allow = "POST";
		return answer_later(r, &answer);
	}
	if (!length_fits(r)) {
		answer = answer_error(413, "too large");
		(void)refuse(r, INTAKE_TOO_LARGE, &answer, "too large");
		r->connection->linger = true;
		return send_answer(r, &answer); /* and closes: it is not worth keeping */
	}
	if (atomic_load(&r->server->closing))
		return refuse_busy(r, RETRY_STOPPING_S, "stopping");
	if (r->source->config->paused)
		return refuse_busy(r, RETRY_PAUSED_S, "paused");
	if (!count_client(r))
		return refuse_busy(r, RETRY_FULL_S, "too many requests from this address");
	buf_init(&r->body, (size_t)r->rules->config->limits.body_bytes);
	return MHD_YES;
}

/* Not worth reading, and what would be read next may be a part of this one: closes. */
static enum MHD_Result refuse_framing(struct server_request *r, const char *why)
{
	const struct intake_answer answer = { .status = 400, .body = "{\"error\":\"malformed request\"}" };
	report_rejected(r, answer.status, why);
	(void)answer_later(r, &answer);
	return send_answer(r, &answer);
}

static enum MHD_Result begin(struct server_request *r, const char *url, const char *method,
							 const char *version)
{
	const char *fault = framing_fault(r->mhd, version);
	r->started = true;
	r->rules = intake_server_rules(r->server);
	if (fault != NULL)
		return refuse_framing(r, fault);
	if (strcmp(url, "/healthz") == 0 || strcmp(url, "/readyz") == 0)
		return answer_health(r, url, method);
	if (strncmp(url, PATH_PREFIX, sizeof PATH_PREFIX - 1) == 0)
		return begin_event(r, url, method);
	struct intake_answer answer = answer_error(404, "nothing here");
	return answer_later(r, &answer);
}

/* ---- the body ---- */

/* Bodies under way share what may wait for a commit: else as many connections as may come hold a whole body
 * each, unverified. One body always fits. */
static bool body_reserve(struct server_request *r, size_t len)
{
	const struct config_limits *limits = &r->rules->config->limits;
	int64_t cap = limits->queue_bytes > limits->body_bytes ? limits->queue_bytes : limits->body_bytes;
	int64_t add = (int64_t)len;
	if (atomic_fetch_add(&r->server->reading_bytes, add) + add > cap) {
		(void)atomic_fetch_sub(&r->server->reading_bytes, add);
		return false;
	}
	r->reading_bytes += add;
	return true;
}

static void body_drop(struct server_request *r)
{
	buf_free(&r->body);
	(void)atomic_fetch_sub(&r->server->reading_bytes, r->reading_bytes);
	r->reading_bytes = 0;
}

static void body_add(struct server_request *r, const char *data, size_t len)
{
	if (body_reserve(r, len)) {
		buf_add(&r->body, data, len);
		return;
	}
	body_drop(r);
	(void)refuse_busy(r, RETRY_FULL_S, "too much at once");
}

/* Beyond the limit a little more is read and dropped, so that the sender gets to read the answer; then it is
 * cut off. */
static enum MHD_Result take_data(struct server_request *r, const char *data, size_t *len)
{
	size_t taken = *len;
	*len = 0;
	if (r->excess_bytes == 0 && !r->answer_ready)
		body_add(r, data, taken);
	if (r->body.overflow || r->answer_ready)
		r->excess_bytes += taken;
	return r->excess_bytes > (size_t)r->rules->config->limits.body_bytes ? MHD_NO : MHD_YES;
}

/* ---- the whole request is there ---- */

static char *full_url(struct server_request *r)
{
	const struct config *config = r->rules->config;
	const char *scheme = "http", *host = header_of(r->mhd, "Host");
	if (config->listen.public_url != NULL)
		return mem_printf("%s%s", config->listen.public_url, r->uri);
	if (peer_trusted(config, &r->connection->peer)) {
		const char *proto = header_of(r->mhd, "X-Forwarded-Proto");
		const char *forwarded = header_of(r->mhd, "X-Forwarded-Host");
		scheme = proto != NULL && strcmp(proto, "https") == 0 ? "https" : scheme;
		host = forwarded != NULL ? forwarded : host;
	}
	return mem_printf("%s://%s%s", scheme, host != NULL ? host : "", r->uri);
}

/* Is it signed; or may it be, once the configuration is mended? */
static bool url_needed(const struct config_source *source)
{
	const char *template = source->verify.signed_string;
	return source->keep_rejected_bytes > 0 || (template != NULL && strstr(template, "{url}") != NULL);
}

static bool over_cap(const struct server_request *r, const struct prepared *p)
{
	const struct intake_server_hooks *hooks = &r->server->options.hooks;
	if (p->accept.start.own_reason != REASON_QUARANTINED || hooks->quarantined == NULL)
		return false;
	return hooks->quarantined(hooks->ctx, r->source->config->name) >= r->rules->config->limits.quarantine_cap;
}

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

/* Any thread, after the commit; perhaps long after the sender was told to come again. */
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

void waiting_answer(struct server_request *r, const struct intake_answer *answer)
{
	struct intake_server *s = r->server;
	(void)pthread_mutex_lock(&s->lock);
	bool mine = r->waiting;
	if (mine) {
		TAILQ_REMOVE(&s->waiting, r, waiting_link);
		r->waiting = false;
		r->answered = true;
		r->answer = *answer;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (mine)
		MHD_resume_connection(r->mhd); /* it may be gone when this returns */
}

/* Suspends first: the commit may be faster than the way back. */
static void submit_to_journal(struct server_request *r, struct prepared *p)
{
	struct intake_server *s = r->server;
	int64_t now_ms = intake_server_now(s);
	p->accept.ctx = request_ref(r);
	p->accept.done = committed;
	(void)atomic_fetch_add(&s->references, 1);
	(void)pthread_mutex_lock(&s->lock);
	connection_set_phase_locked(s, r->connection, CONNECTION_WAITING, now_ms);
	r->due_ms = now_ms + r->rules->config->limits.commit_wait_ms;
	r->waiting = true;
	r->suspended = true;
	s->suspended++;
	TAILQ_INSERT_TAIL(&s->waiting, r, waiting_link);
	(void)pthread_mutex_unlock(&s->lock);
	MHD_suspend_connection(r->mhd);
	if (s->options.log.accept(s->options.log.ctx, &p->accept) != 0) {
		const struct accept_result rejected = { .code = ERR_FULL };
		committed(r, &p->accept, &rejected);
	}
}

/* True: the journal has it, and `r` may be answered at any moment by another thread. False: it is refused. */
static bool submit(struct server_request *r)
{
	struct intake_server *s = r->server;
	struct intake_answer answer = answer_error(413, "too large");
	if (r->excess_bytes > 0) {
		(void)refuse(r, INTAKE_TOO_LARGE, &answer, "too large");
		return false;
	}
	char *url AUTO_FREE = url_needed(r->source->config) ? full_url(r) : NULL;
	const struct intake_request request = {
		.body = { r->body.data != NULL ? r->body.data : "", r->body.len },
		.headers_ctx = r->mhd,
		.header = header_of,
		.url = url,
		.now_ms = intake_server_now(s),
		.wall_ms = s->options.clock.wall_ms(s->options.clock.ctx),
	};
	struct prepared *p = NULL;
	if (prepare_event(r->rules, r->source->config->name, &request, NULL, NULL, &p) != 0) {
		answer = (struct intake_answer){ .status = 401, .body = "{\"error\":\"not verified\"}" };
		rejected_keep(r, &request);
		(void)refuse(r, INTAKE_UNVERIFIED, &answer, "not verified");
		return false;
	}
	body_drop(r); /* the event has its copy */
	if (over_cap(r, p)) {
		prepare_destroy(p);
		(void)refuse_busy(r, RETRY_PAUSED_S, "too many quarantined events");
		return false;
	}
	submit_to_journal(r, p);
	return true;
}

/* The way back from being suspended. */
static bool take_answer(struct server_request *r, struct intake_answer *ret)
{
	struct intake_server *s = r->server;
	(void)pthread_mutex_lock(&s->lock);
	bool answered = r->answered;
	if (answered) {
		*ret = r->answer;
		s->suspended -= r->suspended;
		r->suspended = false;
		connection_notify_waiters(s);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return answered;
}

enum MHD_Result request_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
							   const char *version, const char *data, size_t *data_len, void **slot)
{
	struct server_request *r = *slot;
	struct intake_answer answer;
	(void)cls;
	(void)mhd;
	if (!r->started)
		return begin(r, url, method, version);
	if (*data_len > 0)
		return take_data(r, data, data_len);
	if (r->answer_ready || take_answer(r, &answer))
		return send_answer(r, r->answer_ready ? &r->answer : &answer);
	return submit(r) ? MHD_YES : send_answer(r, &r->answer);
}

void request_closed(void *cls, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode why)
{
	struct intake_server *s = cls;
	struct server_request *r = *slot;
	(void)mhd;
	if (r == NULL)
		return;
	*slot = NULL;
	body_drop(r);
	if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK && r->answered)
		counter_add(r->counter, INTAKE_GONE);
	(void)pthread_mutex_lock(&s->lock);
	if (r->suspended) {
		s->suspended--;
		r->suspended = false;
		connection_notify_waiters(s);
	}
	if (r->client_counted)
		peers_remove(s->peers, &r->client);
	(void)pthread_mutex_unlock(&s->lock);
	connection_set_phase(s, r->connection, CONNECTION_IDLE);
	request_unref(r);
}
