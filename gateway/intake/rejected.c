#include "gateway/intake/rejected.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/intake/pipeline/request.h"
#include "gateway/intake/server/request_internal.h"
#include "saga/base/array.h"
#include "saga/base/reader.h"

/* Limits for each source and second. A burst of a platform fits. A flood of forged requests cannot keep
 * the thread of the journal busy, and cannot push out within seconds what a platform sent. Chosen; no
 * measurement. */
#define REQUESTS_PER_SECOND 1000
#define BYTES_PER_SECOND    (4 << 20)
#define CAP_SHARE_PER_SECOND                                                                                 \
	16 /* the limit is a sixteenth of the source's capacity if that is more than BYTES_PER_SECOND */

/* ---- keeping ---- */

/* True if a rejected request is within the limits of its second; it is counted then. */
static bool within_rate(struct intake_server *s, struct counter *c, int64_t bytes, int64_t keep_bytes,
						int64_t now_ms)
{
	int64_t share = keep_bytes / CAP_SHARE_PER_SECOND;
	int64_t limit_bytes = share > BYTES_PER_SECOND ? share : BYTES_PER_SECOND;
	pthread_mutex_lock(&s->lock);
	if (c->kept.second != now_ms / 1000)
		c->kept = (struct kept_in_second){ .second = now_ms / 1000 };
	bool may = c->kept.requests < REQUESTS_PER_SECOND && c->kept.bytes < limit_bytes;
	c->kept.requests += may ? 1 : 0;
	c->kept.bytes += may ? bytes : 0;
	pthread_mutex_unlock(&s->lock);
	return may;
}

static enum MHD_Result add_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct buf *out = ctx;
	(void)kind;
	if (strcasecmp(name, "Cookie") !=
		0) { /* cookies are not stored: they are secrets, and no platform signs with them */
		buf_string(out, name);
		buf_string(out, value);
	}
	return MHD_YES;
}

/* The journal copies the row, so the row is built on the stack. */
void rejected_keep(struct server_request *r, const struct intake_request *request)
{
	assert(r->source != NULL);
	const struct config_source *source = r->source->config;
	const struct intake_journal *journal = &r->server->options.journal;
	if (source->keep_rejected_bytes == 0 || journal->keep_rejected == NULL ||
		!within_rate(r->server, r->counter, (int64_t)request->body.len, source->keep_rejected_bytes,
					 request->now_ms))
		return;
	struct buf headers AUTO_BUF = { 0 };
	char address[PEER_TEXT_BYTES];
	MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, add_header, &headers);
	peer_text(&r->client, address);
	const struct rejected_row row = { .source = str_of(source->name),
									  .received_ms = request->now_ms,
									  .wall_ms = request->wall_ms,
									  .until_ms = request->now_ms + source->keep_rejected_for_ms,
									  .address = str_of(address),
									  .url = str_of(request->url),
									  .headers = buf_str(&headers),
									  .body = request->body };
	if (journal->keep_rejected(journal->ctx, &row, source->keep_rejected_bytes) == 0)
		counter_add(r->counter, INTAKE_REJECTED_KEPT);
}

/* ---- reading ---- */

/* All texts go into one allocation: each length prefix is at least one byte, and becomes one NUL. */
int rejected_unpack(struct str packed, struct rejected_headers *ret)
{
	struct reader in = reader_of(packed.p, packed.len);
	*ret = (struct rejected_headers){ .text = mem_alloc(2 * packed.len + 2) };
	char *at = ret->text;
	while (!reader_done(&in) && !in.bad) {
		const char *pair[2] = { NULL, NULL };
		for (int i = 0; i < 2; i++) {
			struct str text = reader_bytes(&in);
			pair[i] = at;
			if (text.len > 0)
				memcpy(at, text.p, text.len);
			at += text.len;
			*at++ = '\0';
		}
		ARRAY_GROW_BY_COUNT(ret->items, ret->count);
		ret->items[ret->count++] = (struct rejected_header){ pair[0], pair[1] };
	}
	if (!in.bad)
		return 0;
	rejected_headers_finish(ret);
	return ERR_CORRUPT;
}

void rejected_headers_finish(struct rejected_headers *h)
{
	free(h->text);
	free(h->items);
	*h = (struct rejected_headers){ 0 };
}

const char *rejected_header(void *ctx, const char *name)
{
	const struct rejected_headers *h = ctx;
	for (size_t i = 0; i < h->count; i++)
		if (strcasecmp(h->items[i].name, name) == 0)
			return h->items[i].value;
	return NULL;
}
