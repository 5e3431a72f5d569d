#include "gateway/commands/admin_client.h"

#include "gateway/admin/unix_socket.h"
#include "gateway/commands/json_line.h"
#include "gateway/net/http_call.h"
#include "saga/base/mem.h"

/* Chosen, no measurement: the daemon answers such requests within milliseconds. */
#define TIMEOUT_MS 5000

/* The host name in the URL is only for the Host header; the connection goes to the socket. */
int admin_client_get(const char *socket_path, const char *path, json_t **ret, struct err *err)
{
	assert(path[0] == '/');
	struct unix_socket_path socket;
	int rc = unix_socket_path_open(socket_path, &socket, err);
	if (rc != 0)
		return rc == ERR_NOT_FOUND ? ERR_CLOSED : rc;
	char *url AUTO_FREE = mem_printf("http://almoner%s", path);
	json_t *answer = NULL;
	unsigned status = 0;
	rc = http_call(&(struct http_call){ .socket_path = socket.text,
										.method = "GET",
										.url = url,
										.timeout_ms = TIMEOUT_MS,
										.line_ctx = &answer,
										.line = json_line_keep },
				   &status, err);
	unix_socket_path_close(&socket);
	if (rc == 0 && (status != 200 || answer == NULL))
		rc = err_set(err, ERR_IO, "the daemon answered %u instead of 200 to GET %s", status, path);
	if (rc != 0)
		json_decref(answer);
	else
		*ret = answer;
	return rc;
}
