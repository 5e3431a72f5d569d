#include "gateway/admin/server.h"

#include <assert.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/admin/json.h"
#include "gateway/admin/unix_socket.h"
#include "saga/base/mem.h"

/* Chosen, no measurement: bounds for a few operators at once. */
#define SOCKETS_MAX     8
#define BODY_CAP_BYTES  ((size_t)1 << 20)
#define CONNECTIONS_MAX 64
#define STREAM_BLOCK    ((size_t)64 * 1024) /* the size of a read from a streaming answer */
#define IDLE_TIMEOUT_S  60

struct admin_server {
	const struct api_context *api;
	size_t count;
	struct {
		struct MHD_Daemon *daemon;
		struct unix_socket socket;
		char *path;
	} sockets[SOCKETS_MAX];
};

/* A request whose body is still arriving. */
struct admin_upload {
	struct buf body;
	char *path;        /* percent-encoded as received: the API decodes the names in it */
	const char *query; /* points into path's memory */
	bool headers_seen; /* libmicrohttpd has called on_request for the headers */
	bool too_big;      /* the body is longer than BODY_CAP_BYTES */
};

/* A streaming answer: each piece is written to reply.body and sent to the peer from the offset `sent`. */
struct reply_stream {
	struct api_reply reply;
	size_t sent;
	bool ended;
};

/* ---- answers ---- */

/* Gives libmicrohttpd the next bytes. When the piece is used up, the handler makes the next one. An error
 * after the first piece cannot change the status any more, so it becomes the last line. */
static ssize_t stream_read(void *ctx, uint64_t pos, char *to, size_t cap)
{
	(void)pos;
	struct reply_stream *s = ctx;
	struct buf *piece = &s->reply.body;
	while (s->sent == piece->len) {
		if (s->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		buf_clear(piece);
		s->sent = 0;
		struct err err = { 0 };
		int rc = s->reply.more(s->reply.stream, piece, &err);
		if (rc < 0) {
			json_t *line = json_object();
			json_object_set_new(line, "error",
								admin_json_text(*err.text != '\0' ? err.text : err_code_text(rc)));
			admin_json_line(piece, line);
		}
		s->ended = rc <= 0;
	}
	size_t len = piece->len - s->sent < cap ? piece->len - s->sent : cap;
	memcpy(to, piece->data + s->sent, len);
	s->sent += len;
	return (ssize_t)len;
}

static void stream_free(void *ctx)
{
	struct reply_stream *s = ctx;
	api_reply_finish(&s->reply);
	free(s);
}

static struct MHD_Response *make_response(struct api_reply *reply)
{
	if (reply->more == NULL) {
		size_t len = reply->body.len;
		struct MHD_Response *r =
			MHD_create_response_from_buffer(len, buf_take(&reply->body), MHD_RESPMEM_MUST_FREE);
		api_reply_finish(reply);
		return r;
	}
	struct reply_stream *s = mem_zalloc(sizeof *s);
	s->reply = *reply;
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, s, stream_free);
}

static enum MHD_Result answer(struct MHD_Connection *connection, struct api_reply *reply)
{
	unsigned status = reply->status;
	struct MHD_Response *response = make_response(reply);
	if (response == NULL)
		return MHD_NO;
	enum MHD_Result rc = MHD_add_response_header(response, "Content-Type", "application/json");
	if (rc == MHD_YES)
		rc = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return rc;
}

/* ---- requests ---- */

static void upload_reset(struct admin_upload *u)
{
	buf_free(&u->body);
	free(u->path);
	*u = (struct admin_upload){ .query = "" };
}

/* The struct admin_upload belongs to the connection, not to the request: if the header of a request is too
 * long, libmicrohttpd calls on_uri, but never on_completed. */
static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
						  enum MHD_ConnectionNotificationCode code)
{
	(void)ctx;
	(void)connection;
	struct admin_upload *u = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = mem_zalloc(sizeof *u);
	} else if (u != NULL) {
		upload_reset(u);
		free(u);
		*socket_context = NULL;
	}
}

/* Keeps path and query as received. libmicrohttpd would decode them before the API has cut the path at its
 * slashes. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
	(void)ctx;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct admin_upload *u = info->socket_context;
	upload_reset(u);
	buf_init(&u->body, BODY_CAP_BYTES);
	u->path = mem_strdup(uri);
	char *question = strchr(u->path, '?');
	if (question != NULL) {
		*question = '\0';
		u->query = question + 1;
	}
	return u;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request,
						 enum MHD_RequestTerminationCode reason)
{
	(void)ctx;
	(void)connection;
	(void)reason;
	if (*request != NULL)
		upload_reset(*request);
	*request = NULL;
}

static void handle(struct admin_server *s, struct MHD_Connection *connection, const char *method,
				   const struct admin_upload *u, struct api_reply *reply)
{
	char actor[UNIX_SOCKET_ACTOR_BYTES] = "uid unknown";
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL)
		unix_socket_actor(info->connect_fd, actor);
	api_handle(
		s->api,
		&(struct api_request){
			.method = method, .path = u->path, .query = u->query, .body = buf_str(&u->body), .actor = actor },
		reply);
}

/* libmicrohttpd calls this once after the headers, then for each part of the body, then once at the end,
 * which makes the answer. `*request` is the struct admin_upload that on_uri returned. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
								  const char *method, const char *version, const char *data, size_t *data_len,
								  void **request)
{
	(void)version;
	(void)path;
	struct admin_upload *u = *request;
	if (u == NULL)
		return MHD_NO;
	if (*data_len > 0) {
		buf_add(&u->body, data, *data_len);
		u->too_big = u->too_big || u->body.overflow;
		*data_len = 0;
		return MHD_YES;
	}
	if (!u->headers_seen) {
		u->headers_seen = true;
		return MHD_YES;
	}
	struct api_reply reply = { .status = 413 };
	if (u->too_big)
		buf_text(&reply.body, "{\"error\":\"the body is longer than 1 MiB\"}\n");
	else
		handle(ctx, connection, method, u, &reply);
	return answer(connection, &reply);
}

/* ---- life ---- */

static int listen_on(struct admin_server *s, const char *path, struct err *err)
{
	struct unix_socket socket;
	int rc = unix_socket_listen(path, &socket, err);
	if (rc != 0)
		return rc;
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL,
		on_request, s, MHD_OPTION_LISTEN_SOCKET, socket.fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_TIMEOUT_S, MHD_OPTION_END);
	if (daemon == NULL) {
		unix_socket_remove(path, &socket);
		close(socket.fd);
		return err_set(err, ERR_SYSTEM, "libmicrohttpd cannot serve %s", path);
	}
	s->sockets[s->count].daemon = daemon;
	s->sockets[s->count].socket = socket;
	s->sockets[s->count++].path = mem_strdup(path);
	return 0;
}

int admin_server_start(const struct api_context *api, const struct config_list *paths,
					   struct admin_server **ret, struct err *err)
{
	assert(api->open_reader != NULL && api->config != NULL && api->now_ms != NULL);
	if (paths->count > SOCKETS_MAX)
		return err_set(err, ERR_INVALID, "listen.admin: more than %d sockets", SOCKETS_MAX);
	struct admin_server *s = mem_zalloc(sizeof *s);
	s->api = api;
	for (size_t i = 0; i < paths->count; i++) {
		int rc = listen_on(s, paths->items[i], err);
		if (rc != 0) {
			admin_server_stop(s);
			return rc;
		}
	}
	*ret = s;
	return 0;
}

void admin_server_stop(struct admin_server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++) {
		/* First the file, then the listener: while this process listens, another daemon that starts does not
		 * take the file for a stale one and replace it. */
		unix_socket_remove(s->sockets[i].path, &s->sockets[i].socket);
		MHD_stop_daemon(s->sockets[i].daemon);
		free(s->sockets[i].path);
	}
	free(s);
}
