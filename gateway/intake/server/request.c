/* Requests, as libmicrohttpd reports them: the first line, the headers, the body in pieces, the end. */
#include <stdlib.h>
#include <string.h>

#include "gateway/intake/server/framing.h"
#include "gateway/intake/server/request_internal.h"
#include "saga/base/mem.h"
#include "saga/journal/intake_port.h"

#define PATH_PREFIX "/in/"

/* Retry-After, in seconds, by reason: the sender has too many requests open, the daemon stops (a restart
 * takes about that long), the source is paused (an operator must act first). Chosen; no measurement. */
enum { RETRY_FULL_S = 5, RETRY_STOPPING_S = 10, RETRY_PAUSED_S = 60 };

/* ---- the beginning: line and headers have arrived ---- */

/* libmicrohttpd calls this when the request line has arrived. The result becomes the `slot` of
 * request_handle and request_closed. */
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

/* /healthz: the process lives. /readyz: events would be accepted now. */
static enum MHD_Result answer_health(struct server_request *r, const char *url, const char *method)
{
	const struct intake_server_hooks *hooks = &r->server->options.hooks;
	const char *why = "stopping";
	struct intake_answer answer = { .status = 200, .body = "{\"alive\":true}" };
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		answer = answer_error(405, "only GET here");
		answer.allow = "GET, HEAD";
		return request_answer_later(r, &answer);
	}
	if (strcmp(url, "/readyz") == 0) {
		bool ready =
			!atomic_load(&r->server->closing) && (hooks->ready == NULL || hooks->ready(hooks->ctx, &why));
		answer.status = ready ? 200 : 503;
		snprintf(answer.body, sizeof answer.body,
				 ready ? "{\"ready\":true}" : "{\"ready\":false,\"why\":\"%s\"}", why);
	}
	return request_answer_later(r, &answer);
}

/* Behind a trusted proxy the sender is the address that the proxy names, and each sender may have
 * limits.connections requests at once. False: this sender has too many. */
static bool count_client(struct server_request *r)
{
	struct intake_server *s = r->server;
	const struct config *config = r->rules->config;
	if (!peer_trusted(config, &r->connection->peer))
		return true;
	r->client =
		peer_behind_proxy(config, &r->connection->peer, request_mhd_header(r->mhd, "X-Forwarded-For"));
	pthread_mutex_lock(&s->lock);
	bool may = peers_count(s->peers, &r->client) < config->limits.connections;
	/* A proxy that names no sender is not limited: it may stand for many senders. */
	may = may || peer_trusted(config, &r->client);
	if (may)
		peers_add(s->peers, &r->client);
	r->client_counted = may;
	pthread_mutex_unlock(&s->lock);
	return may;
}

/* Finds the source that the URL names, and sets the counter: that of the source, or that of unknown
 * sources. */
static bool find_source(struct server_request *r, const char *url)
{
	struct intake_server *s = r->server;
	int index = config_find_source(r->rules->config, str_of(url + sizeof PATH_PREFIX - 1));
	r->source = index >= 0 ? &r->rules->sources[index] : NULL;
	pthread_mutex_lock(&s->lock);
	r->counter = counter_of(s, index >= 0 ? r->source->config->name : "");
	pthread_mutex_unlock(&s->lock);
	return index >= 0;
}

/* False if the announced length of the body exceeds the limit. framing_fault has checked that the length
 * is a number. */
static bool length_fits(struct server_request *r)
{
	const char *length = request_mhd_header(r->mhd, "Content-Length");
	return length == NULL ||
		   strtoull(length, NULL, 10) <= (unsigned long long)r->rules->config->limits.body_bytes;
}

/* Decides everything about an event's request that can be decided without its body. The answer waits for
 * the end of the body, except a 413. */
static enum MHD_Result begin_event(struct server_request *r, const char *url, const char *method)
{
	struct intake_answer answer;
	if (!find_source(r, url)) {
		answer = answer_error(404, "no such source");
		return request_answer_later(r, &answer);
	}
	if (strcmp(method, "POST") != 0) {
		answer = answer_error(405, "only POST here");
		answer.allow = "POST";
		return request_answer_later(r, &answer);
	}
	if (!length_fits(r)) {
		answer = answer_error(413, "too large");
		request_answer_rejected(r, INTAKE_TOO_LARGE, &answer, "too large");
		r->connection->linger = true;
		return request_answer_send(
			r,
			&answer); /* the answer comes before the body, so libmicrohttpd closes the connection after it */
	}
	if (atomic_load(&r->server->closing))
		return request_answer_busy(r, RETRY_STOPPING_S, "stopping");
	if (r->source->config->paused)
		return request_answer_busy(r, RETRY_PAUSED_S, "paused");
	if (!count_client(r))
		return request_answer_busy(r, RETRY_FULL_S, "too many requests from this address");
	buf_init(&r->body, (size_t)r->rules->config->limits.body_bytes);
	return MHD_YES;
}

/* Answers 400 and closes the connection: where this request ends is unknown, so the next bytes cannot be
 * taken for a new request. */
static enum MHD_Result reject_framing(struct server_request *r, const char *why)
{
	const struct intake_answer answer = { .status = 400, .body = "{\"error\":\"malformed request\"}" };
	intake_server_report_rejected(r->server, "", &r->client, answer.status, why);
	request_answer_later(r, &answer);
	return request_answer_send(r, &answer);
}

/* The headers have arrived. The request keeps the rules of this moment until its answer, also across a
 * reload. */
static enum MHD_Result begin(struct server_request *r, const char *url, const char *method,
							 const char *version)
{
	const char *fault = framing_fault(r->mhd, version);
	r->started = true;
	r->rules = intake_server_rules(r->server);
	if (fault != NULL)
		return reject_framing(r, fault);
	if (strcmp(url, "/healthz") == 0 || strcmp(url, "/readyz") == 0)
		return answer_health(r, url, method);
	if (strncmp(url, PATH_PREFIX, sizeof PATH_PREFIX - 1) == 0)
		return begin_event(r, url, method);
	struct intake_answer answer = answer_error(404, "nothing here");
	return request_answer_later(r, &answer);
}

/* ---- the callbacks ---- */

/* libmicrohttpd calls this once when the headers are complete, once for each piece of the body, once at
 * the end of the request, and once more when a suspended request was resumed. */
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
		return request_body_take(r, data, data_len);
	if (r->answer_ready || waiting_take_answer(r, &answer))
		return request_answer_send(r, r->answer_ready ? &r->answer : &answer);
	return request_submit(r) ? MHD_YES : request_answer_send(r, &r->answer);
}

/* libmicrohttpd calls this for every request that request_open created, also when the connection was lost.
 * The accept in the journal may still hold a reference on the request. */
void request_closed(void *cls, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode why)
{
	struct intake_server *s = cls;
	struct server_request *r = *slot;
	(void)mhd;
	if (r == NULL)
		return;
	*slot = NULL;
	request_body_drop(r);
	if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK && r->answered)
		counter_add(r->counter, INTAKE_GONE);
	pthread_mutex_lock(&s->lock);
	waiting_end(r);
	if (r->client_counted)
		peers_remove(s->peers, &r->client);
	pthread_mutex_unlock(&s->lock);
	connection_set_phase(s, r->connection, CONNECTION_IDLE);
	request_unref(r);
}
