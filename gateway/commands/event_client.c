#include "gateway/commands/event_client.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gateway/intake/sign.h"
#include "gateway/net/http_call.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* Intake answers within 5 s, with 503 if the commit takes longer; the rest is for a slow network (--url). */
#define TIMEOUT_MS 30000

char *event_client_url(const struct config *config, uint16_t port, const char *source)
{
	assert(port != 0); /* 0 in the configuration means that only the daemon knows the port */
	const char *host = config->listen.host;
	if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 || strcmp(host, "*") == 0)
		host = "127.0.0.1";
	bool v6 = strchr(host, ':') != NULL;
	return mem_printf("http://%s%s%s:%u/in/%s", v6 ? "[" : "", host, v6 ? "]" : "", port, source);
}

void event_client_no_source(const struct config *config, const char *name)
{
	assert(config != NULL && name != NULL);
	fprintf(stderr, "almoner: there is no source \"%s\" in the configuration; its sources:", name);
	for (size_t i = 0; i < config->source_count; i++)
		fprintf(stderr, "%s %s", i > 0 ? "," : "", config->sources[i].name);
	fprintf(stderr, "%s\n", config->source_count == 0 ? " none" : "");
}

/* The signature holds the present time, so a posted event cannot be repeated later with the same headers. */
int event_client_post(const struct config_source *source, const char *url, struct str body, const char *id,
					  void *line_ctx, int (*line)(void *line_ctx, struct str text), unsigned *ret_status,
					  struct err *err)
{
	struct sign_headers headers;
	struct clock clock = clock_system();
	int rc = sign_request(source, body, id, clock.wall_ms(clock.ctx), url, &headers, err);
	if (rc != 0)
		return rc;
	rc = http_call(&(struct http_call){ .method = "POST",
										.url = url,
										.body = body,
										.headers = (const char *const *)headers.lines,
										.header_count = headers.count,
										.timeout_ms = TIMEOUT_MS,
										.line_ctx = line_ctx,
										.line = line },
				   ret_status, err);
	sign_headers_finish(&headers);
	return rc;
}
