#include "tests/support/sink_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saga/base/buf.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"

static void run_child(int out_fd, pid_t parent, const char *log_path)
{
	const char *program = getenv("ALMONER_SINK");
	const char *argv[] = {
		program != NULL ? program : ALMONER_SINK, "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--quiet",
		log_path != NULL ? "--log" : NULL,        log_path, NULL
	};
	char *copy[sizeof(argv) / sizeof(argv[0])];
	memcpy(copy, argv, sizeof(argv));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(out_fd, STDOUT_FILENO) < 0)
		_exit(126);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(copy[0], copy);
	perror(copy[0]);
	_exit(127);
}

static uint16_t read_port(FILE *from, const char *name)
{
	char line[100];
	char *got = fgets(line, sizeof(line), from);
	assert(got != NULL && strncmp(line, name, strlen(name)) == 0);
	const char *colon = strrchr(line, ':');
	assert(colon != NULL);
	return (uint16_t)strtoul(colon + 1, NULL, 10);
}

struct sink_child *sink_client_start(const char *log_path)
{
	int fds[2];
	int failed = pipe(fds);
	assert(failed == 0);
	pid_t parent = getpid();
	struct sink_child *sink = mem_zalloc(sizeof(*sink));
	sink->pid = fork();
	assert(sink->pid >= 0);
	if (sink->pid == 0)
		run_child(fds[1], parent, log_path);
	close(fds[1]);
	FILE *out = fdopen(fds[0], "r");
	assert(out != NULL);
	sink->http_port = read_port(out, "http ");
	sink->smtp_port = read_port(out, "smtp ");
	fclose(out);
	return sink;
}

void sink_client_stop(struct sink_child *sink)
{
	if (sink == NULL)
		return;
	int status = 0;
	int failed = kill(sink->pid, SIGTERM);
	assert(failed == 0);
	pid_t ended = waitpid(sink->pid, &status, 0);
	assert(ended == sink->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(sink);
}

char *sink_client_url(const struct sink_child *sink, const char *path)
{
	return mem_printf("http://127.0.0.1:%u%s", sink->http_port, path);
}

/* ---- one small HTTP request ---- */

static int connect_to(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
								   .sin_port = htons(port),
								   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(fd >= 0);
	int failed = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	assert(failed == 0);
	return fd;
}

static bool has_all(const struct buf *reply, size_t *ret_body)
{
	const char *blank = reply->len > 0 ? strstr(reply->data, "\r\n\r\n") : NULL;
	const char *length = blank != NULL ? strcasestr(reply->data, "Content-Length:") : NULL;
	if (length == NULL)
		return false;
	*ret_body = (size_t)(blank - reply->data) + 4;
	return reply->len >= *ret_body + strtoul(length + 15, NULL, 10);
}

/* The status; the JSON of the reply in `ret_json`. */
static long ask(const struct sink_child *sink, const char *method, const char *target, const char *body,
				json_t **ret_json)
{
	int fd = connect_to(sink->http_port);
	AUTO_FREE char *request =
		mem_printf("%s /_control%s HTTP/1.1\r\nHost: sink\r\nContent-Length: %zu\r\n\r\n%s", method, target,
				   strlen(body), body);
	ssize_t sent = send(fd, request, strlen(request), MSG_NOSIGNAL);
	assert(sent == (ssize_t)strlen(request));
	AUTO_BUF struct buf reply = { 0 };
	size_t at = 0;
	while (!has_all(&reply, &at)) {
		char chunk[16384];
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
		assert(n > 0);
		buf_add(&reply, chunk, (size_t)n);
	}
	close(fd);
	*ret_json = json_loadb(reply.data + at, reply.len - at, JSON_DECODE_ANY, NULL);
	assert(*ret_json != NULL);
	return strtol(reply.data + 9, NULL, 10);
}

void sink_client_set(const struct sink_child *sink, const char *path, const char *behaviour)
{
	json_t *answer;
	long status = ask(sink, "POST", path, behaviour, &answer);
	if (status != 200)
		fprintf(stderr, "%s: %s\n", path, json_string_value(json_object_get(answer, "error")));
	assert(status == 200);
	json_decref(answer);
}

void sink_client_clear(const struct sink_child *sink, const char *path)
{
	json_t *answer;
	long status = ask(sink, "DELETE", path, "", &answer);
	assert(status == 200);
	json_decref(answer);
}

json_t *sink_client_stats(const struct sink_child *sink, const char *path, bool entries)
{
	json_t *stats;
	AUTO_FREE char *target = mem_printf("%s%s", path, entries ? "?entries=1" : "");
	long status = ask(sink, "GET", target, "", &stats);
	assert(status == 200);
	return stats;
}

int64_t sink_client_counter(const struct sink_child *sink, const char *path, const char *counter)
{
	json_t *stats = sink_client_stats(sink, path, false);
	const char *dot = strchr(counter, '.');
	AUTO_FREE char *outer = mem_strndup(counter, dot != NULL ? (size_t)(dot - counter) : 0);
	const json_t *holder = dot != NULL ? json_object_get(stats, outer) : stats;
	int64_t value = (int64_t)json_integer_value(json_object_get(holder, dot != NULL ? dot + 1 : counter));
	json_decref(stats);
	return value;
}

bool sink_client_wait(const struct sink_child *sink, const char *path, const char *counter, int64_t n,
					  int64_t timeout_ms)
{
	json_t *stats;
	AUTO_FREE char *target = mem_printf("%s?wait=%s&at_least=%lld&timeout_ms=%lld", path, counter,
										(long long)n, (long long)timeout_ms);
	long status = ask(sink, "GET", target, "", &stats);
	json_decref(stats);
	return status == 200;
}
