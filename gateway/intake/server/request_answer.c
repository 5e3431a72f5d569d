/* What a request is answered: sending, or storing the answer until the body has been read. */
#include <stdio.h>
#include <string.h>

#include "gateway/intake/server/request_internal.h"

/* MHD_NO makes libmicrohttpd close the connection. */
enum MHD_Result request_answer_send(struct server_request *r, const struct intake_answer *answer)
{
	struct intake_server *s = r->server;
	/* libmicrohttpd copies the text, although its parameter is not const. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(answer->body), (void *)(uintptr_t)answer->body, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	char seconds[16];
	snprintf(seconds, sizeof seconds, "%u", answer->retry_after_s);
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

enum MHD_Result request_answer_later(struct server_request *r, const struct intake_answer *answer)
{
	r->answer_ready = true;
	r->answer = *answer;
	return MHD_YES;
}

enum MHD_Result request_answer_rejected(struct server_request *r, enum intake_counter count,
										const struct intake_answer *answer, const char *why)
{
	assert(r->source != NULL && answer->status >= 400);
	counter_add(r->counter, count);
	intake_server_report_rejected(r->server, r->source->config->name, &r->client, answer->status, why);
	return request_answer_later(r, answer);
}

enum MHD_Result request_answer_busy(struct server_request *r, unsigned retry_after_s, const char *message)
{
	struct intake_answer answer = answer_busy(retry_after_s, message);
	return request_answer_rejected(r, INTAKE_BUSY, &answer, message);
}
