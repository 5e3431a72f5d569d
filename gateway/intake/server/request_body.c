/* A body while it arrives, and the memory that all bodies may take together. */
#include "gateway/intake/server/request_internal.h"

/* Retry-After, in seconds, when all bodies together take too much memory. Chosen; no measurement. */
#define RETRY_FULL_S 5

/* All bodies that are arriving share limits.queue_bytes. Without this bound, each of limits.connections_total
 * connections could hold a whole body, and none of these bodies is verified yet. One body always fits. */
static bool body_reserve(struct server_request *r, size_t len)
{
	const struct config_limits *limits = &r->rules->config->limits;
	int64_t cap = limits->queue_bytes > limits->body_bytes ? limits->queue_bytes : limits->body_bytes;
	int64_t add = (int64_t)len;
	if (atomic_fetch_add(&r->server->reading_bytes, add) + add > cap) {
		atomic_fetch_sub(&r->server->reading_bytes, add);
		return false;
	}
	r->reading_bytes += add;
	return true;
}

void request_body_drop(struct server_request *r)
{
	buf_free(&r->body);
	atomic_fetch_sub(&r->server->reading_bytes, r->reading_bytes);
	r->reading_bytes = 0;
}

static void body_add(struct server_request *r, const char *data, size_t len)
{
	if (body_reserve(r, len)) {
		buf_add(&r->body, data, len);
		return;
	}
	request_body_drop(r);
	request_answer_busy(r, RETRY_FULL_S, "too much at once");
}

/* A body above the limit is read and dropped, so that the sender gets to read the answer. Once as many bytes
 * were dropped as a body may have, the connection is cut. */
enum MHD_Result request_body_take(struct server_request *r, const char *data, size_t *len)
{
	size_t taken = *len;
	*len = 0;
	if (r->excess_bytes == 0 && !r->answer_ready)
		body_add(r, data, taken);
	if (r->body.overflow || r->answer_ready)
		r->excess_bytes += taken;
	return r->excess_bytes > (size_t)r->rules->config->limits.body_bytes ? MHD_NO : MHD_YES;
}
