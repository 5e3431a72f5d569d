/* For tests: starts an almoner-sink of their own as a child process, and sets and reads its state. A sink that does
 * not answer as expected fails an assertion, so tests need no error handling. The child ends with its parent. */
#ifndef ALMONER_TESTS_SUPPORT_SINK_CLIENT_H
#define ALMONER_TESTS_SUPPORT_SINK_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sink_child {
	pid_t pid;
	uint16_t http_port; /* on 127.0.0.1 */
	uint16_t smtp_port;
};

/* Starts a sink on free ports; `log_path` may be NULL. The program is $ALMONER_SINK, or the one built with
 * the tests. Free with sink_client_stop. */
struct sink_child *sink_client_start(const char *log_path);
/* Ends it with SIGTERM and waits; it must end cleanly. Accepts NULL. */
void sink_client_stop(struct sink_child *sink);

/* "http://127.0.0.1:PORT" + path; free it. */
char *sink_client_url(const struct sink_child *sink, const char *path);

/* Sets a path's behaviour ("/smtp" for mail); see control.c for the JSON. */
void sink_client_set(const struct sink_child *sink, const char *path, const char *behaviour);
/* Sets counters and records back. */
void sink_client_clear(const struct sink_child *sink, const char *path);
/* Counters, with what came under "entries" if asked; decref it. */
json_t *sink_client_stats(const struct sink_child *sink, const char *path, bool entries);
/* One counter: "requests", "by_status.200", "stub.salesreceipts". */
int64_t sink_client_counter(const struct sink_child *sink, const char *path, const char *counter);
/* Waits until the counter is at least `n`; false when that took longer than `timeout_ms`. */
bool sink_client_wait(const struct sink_child *sink, const char *path, const char *counter, int64_t n,
					  int64_t timeout_ms);

#endif
