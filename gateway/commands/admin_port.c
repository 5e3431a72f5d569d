/* The port through which the commands of gateway/cli reach the admin API: the daemon's socket, or, when no
 * daemon answers, the same API in this process on the read-only store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/admin/api.h"
#include "gateway/admin/unix_socket.h"
#include "gateway/commands/commands.h"
#include "gateway/net/http_call.h"
#include "saga/base/mem.h"
#include "saga/store/store_sqlite.h"

struct admin_port {
	struct config *config;
	bool offline; /* no daemon answered: then all further calls of this command use the store */
	struct clock clock;
};

static int open_reader(void *ctx, struct store_reader *ret, struct err *err)
{
	struct admin_port *p = ctx;
	int rc = store_sqlite_open_reader(p->config->store.path, NULL, ret, err);
	if (rc == ERR_NOT_FOUND) /* the store is missing, as is usual before the first start of the daemon */
		return err_set(
			err, rc,
			"no daemon answers, and there is no store %s yet; start it with: almoner serve --config %s",
			p->config->store.path, p->config->path);
	return rc;
}

static int64_t now_ms(void *ctx)
{
	struct admin_port *p = ctx;
	return p->clock.now_ms(p->clock.ctx);
}

static struct config *get_config(void *ctx)
{
	struct admin_port *p = ctx;
	return config_ref(p->config);
}

/* ---- the API in this process ---- */

/* Passes each complete line of `bytes` to `line`, and empties `bytes`: the API ends each piece with a whole
 * line. */
static int pass_lines(struct buf *bytes, void *line_ctx, int (*line)(void *line_ctx, struct str text),
					  bool *ret_stop)
{
	size_t from = 0;
	for (size_t i = 0; i < bytes->len && !*ret_stop; i++) {
		if (bytes->data[i] != '\n')
			continue;
		*ret_stop = line(line_ctx, (struct str){ bytes->data + from, i - from }) != 0;
		from = i + 1;
	}
	buf_clear(bytes);
	return 0;
}

/* Only for GET: the store is opened read-only. The API without a daemon has no journal, no jobs and no live
 * figures. */
static int call_in_process(struct admin_port *p, const char *method, const char *path, const char *body,
						   void *line_ctx, int (*line)(void *line_ctx, struct str text), unsigned *ret_status,
						   struct err *err)
{
	const struct api_context api = {
		.ctx = p, .open_reader = open_reader, .now_ms = now_ms, .config = get_config
	};
	char *copy AUTO_FREE = mem_strdup(path);
	char *question = strchr(copy, '?');
	if (question != NULL)
		*question = '\0';
	struct api_reply reply;
	api_handle(&api,
			   &(struct api_request){ .method = method,
									  .path = copy,
									  .query = question != NULL ? question + 1 : "",
									  .body = str_of(body),
									  .actor = "nobody" },
			   &reply);
	*ret_status = reply.status;
	bool stop = false;
	int rc = pass_lines(&reply.body, line_ctx, line, &stop);
	int more = reply.more != NULL && rc == 0 ? 1 : 0;
	while (more > 0 && !stop) {
		more = reply.more(reply.stream, &reply.body, err);
		rc = pass_lines(&reply.body, line_ctx, line, &stop);
	}
	api_reply_finish(&reply);
	return more < 0 ? more : rc;
}

/* ---- the port ---- */

/* ERR_CLOSED: no daemon listens there, so the caller may use the store. ERR_REFUSED: one may, but this user
 * has no access. */
static int call_socket(const char *socket_path, const char *method, const char *path, const char *body,
					   void *line_ctx, int (*line)(void *line_ctx, struct str text), unsigned *ret_status,
					   struct err *err)
{
	struct unix_socket_path short_path;
	if (unix_socket_path_open(socket_path, &short_path, err) != 0)
		return ERR_CLOSED; /* without the folder of the socket there is no daemon */
	if (access(short_path.text, W_OK) != 0 && errno == EACCES) {
		unix_socket_path_close(&short_path);
		return err_set(err, ERR_REFUSED,
					   "this user has no access to the daemon's socket %s: run the command as the user of "
					   "the daemon, or join its group",
					   socket_path);
	}
	char *url AUTO_FREE = mem_printf("http://almoner%s", path);
	int rc = http_call(&(struct http_call){ .socket_path = short_path.text,
											.method = method,
											.url = url,
											.body = str_of(body),
											.line_ctx = line_ctx,
											.line = line },
					   ret_status, err);
	unix_socket_path_close(&short_path);
	return rc;
}

/* The function `call` of struct cli_port, described there. Tries the sockets of the configuration in their
 * order. */
static int call(void *ctx, const char *method, const char *path, const char *body, void *line_ctx,
				int (*line)(void *line_ctx, struct str text), unsigned *ret_status, struct err *err)
{
	struct admin_port *p = ctx;
	int rc = ERR_CLOSED;
	for (size_t i = 0; i < p->config->listen.admin.count && rc == ERR_CLOSED && !p->offline; i++)
		rc = call_socket(p->config->listen.admin.items[i], method, path, body, line_ctx, line, ret_status,
						 err);
	if (rc != ERR_CLOSED)
		return rc;
	p->offline = true;
	if (strcmp(method, "GET") == 0)
		return call_in_process(p, method, path, body, line_ctx, line, ret_status, err);
	if (p->config->listen.admin.count == 0)
		return err_set(err, ERR_CLOSED,
					   "this command changes something, so it needs a daemon, but %s names no admin "
					   "socket: add \"listen\": {\"admin\": [\"unix:PATH\"]} and restart the daemon",
					   p->config->path);
	return err_set(err, ERR_CLOSED,
				   "this command changes something, so it needs a daemon, but none answers on %s; start it "
				   "with: almoner serve --config %s",
				   p->config->listen.admin.items[0], p->config->path);
}

static void reconnect(void *ctx)
{
	struct admin_port *p = ctx;
	p->offline = false;
}

/* A missing configuration gives its own exit code, so that scripts can tell it from a daemon that is not
 * running. */
int command_admin(const char *config_path, int argc, char **argv)
{
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	struct admin_port port = { .clock = clock_system() };
	int code;
	if (cli_needs_no_port(argc, argv, &code)) /* `--help` must work without a configuration */
		return code;
	/* `lenient` skips the secrets: these commands do not need them, and only the daemon's user may be able to
	 * read them. */
	int rc = config_load(config_path, &(struct config_hooks){ .lenient = true }, &port.config, &found);
	if (rc != 0) {
		struct buf text AUTO_BUF = { 0 };
		diagnostics_print(&found, &text);
		fprintf(stderr, "%salmoner: cannot use the configuration %s; to use another one: --config FILE\n",
				text.len > 0 ? text.data : "", config_path);
		return rc == ERR_NOT_FOUND ? CLI_NOT_FOUND : CLI_FAILED;
	}
	code = cli_run(&(struct cli_port){ &port, call, reconnect }, argc, argv);
	config_unref(port.config);
	return code;
}
