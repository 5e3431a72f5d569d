/* GET /v1/refused…: stored requests that were refused with 401. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/admin/json.h"
#include "gateway/admin/views/views.h"
#include "saga/base/buf.h"
#include "saga/base/mem.h"
#include "saga/base/reader.h"

#define PAGE_REQUESTS 64 /* requests for each piece of the list; chosen, no measurement */

static json_t *row_json(const struct rejected_row *row)
{
	char *source AUTO_FREE = mem_strndup(row->source.p, row->source.len);
	char *address AUTO_FREE = mem_strndup(row->address.p, row->address.len);
	json_t *value = json_object();
	json_object_set_new(value, "id", json_integer(row->id));
	json_object_set_new(value, "source", admin_json_text(source));
	json_object_set_new(value, "received_at", admin_json_time(row->wall_ms));
	json_object_set_new(value, "kept_until", admin_json_time(row->until_ms));
	json_object_set_new(value, "address", admin_json_text(address));
	json_object_set_new(value, "body_bytes", json_integer((json_int_t)row->body.len));
	return value;
}

struct rejected_stream {
	struct store_reader reader;
	char *source; /* NULL: of all sources */
	int64_t after;
	struct buf *out; /* during one call of rejected_stream_more */
};

static int add_row(void *ctx, const struct rejected_row *row)
{
	const struct rejected_stream *l = ctx;
	admin_json_line(l->out, admin_json_cursor(row_json(row), STORE_LIST_REJECTED, row->id));
	return 0;
}

static int rejected_stream_more(void *stream, struct buf *out, struct err *err)
{
	struct rejected_stream *l = stream;
	l->out = out;
	int rc = l->reader.rejected_list(l->reader.ctx, l->source, l->after, PAGE_REQUESTS, l, add_row, &l->after,
									 err);
	return rc != 0 ? rc : l->after != 0;
}

static void rejected_stream_free(void *stream)
{
	struct rejected_stream *l = stream;
	l->reader.close(l->reader.ctx);
	free(l->source);
	free(l);
}

void view_rejected(struct admin_call *call)
{
	struct err err = { 0 };
	struct store_reader reader;
	int64_t after = 0;
	int rc = query_check_names(&call->query, (const char *const[]){ "source", "after", NULL }, &err);
	if (rc == 0)
		rc = query_position(&call->query, "after", STORE_LIST_REJECTED, 0, &after, &err);
	if (rc != 0) {
		admin_call_fail(call, rc, err.text);
		return;
	}
	if (!admin_call_open_reader(call, &reader))
		return;
	const char *source = query_value(&call->query, "source");
	struct rejected_stream *l = mem_zalloc(sizeof *l);
	l->reader = reader;
	l->after = after;
	l->source = source != NULL ? mem_strdup(source) : NULL;
	admin_call_stream(call, l, rejected_stream_more, rejected_stream_free);
}

/* Does the header carry a secret? A token in a header is itself the secret, and so is Authorization; a
 * signature is not. */
static bool is_secret(const struct config *config, struct str source, const char *name)
{
	int at = config_find_source(config, source);
	const char *token = at >= 0 ? config->sources[at].verify.token_header : NULL;
	return strcasecmp(name, "Authorization") == 0 || (token != NULL && strcasecmp(name, token) == 0);
}

/* The headers as gateway/intake/rejected.h packs them: name and value in turn. The values of secrets are not
 * shown. */
static json_t *headers_json(const struct config *config, const struct rejected_row *row)
{
	struct reader in = reader_of(row->headers.p, row->headers.len);
	json_t *value = json_object();
	while (!reader_done(&in) && !in.bad) {
		struct str part = reader_bytes(&in);
		char *name AUTO_FREE = mem_strndup(part.len > 0 ? part.p : "", part.len);
		part = reader_bytes(&in);
		char *text AUTO_FREE = mem_strndup(part.len > 0 ? part.p : "", part.len);
		bool secret = is_secret(config, row->source, name);
		/* the call fails for a name that is not UTF-8; such a header is left out */
		(void)!json_object_set_new(value, name, admin_json_text(secret ? "(not shown)" : text));
	}
	return value;
}

struct rejected_lookup {
	int64_t id;
	const struct config *config;
	json_t *value;
};

/* The list starts at the wanted id; if that request is not stored, the row is another one. */
static int show_row(void *ctx, const struct rejected_row *row)
{
	struct rejected_lookup *one = ctx;
	if (row->id != one->id)
		return 1;
	char *url AUTO_FREE = mem_strndup(row->url.p, row->url.len);
	one->value = row_json(row);
	json_object_set_new(one->value, "url", admin_json_text(url));
	json_object_set_new(one->value, "headers", headers_json(one->config, row));
	admin_json_set_raw(one->value, row->body.p, row->body.len);
	return 1;
}

void view_rejected_one(struct admin_call *call)
{
	struct err err = { 0 };
	struct store_reader reader;
	struct rejected_lookup one = { 0 };
	int64_t next;
	one.id = admin_call_parse_id(call->name[0]);
	if (one.id == 0) {
		admin_call_fail(call, ERR_INVALID,
						"a refused request is named by its number: `refused list` prints it");
		return;
	}
	if (!admin_call_open_reader(call, &reader))
		return;
	struct config *config = call->api->config(call->api->ctx);
	one.config = config;
	int rc = reader.rejected_list(reader.ctx, NULL, one.id - 1, 1, &one, show_row, &next, &err);
	reader.close(reader.ctx);
	config_unref(config);
	if (rc == 0 && one.value == NULL)
		rc = err_set(&err, ERR_NOT_FOUND, "no refused request %lld is stored", (long long)one.id);
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	else
		admin_call_json(call, one.value);
}
