/* `send`: signs an event as its platform would, posts it to intake and prints the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/commands/admin_client.h"
#include "gateway/commands/commands.h"
#include "gateway/commands/event_client.h"
#include "gateway/commands/read_file.h"
#include "saga/base/digest.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

struct send_options {
	const char *source;
	const char *file;
	const char *url; /* NULL: listen.intake of the configuration */
	const char *id;  /* NULL: event_id_of chooses one */
};

/* Reads operands and options in any order. CLI_USAGE: one is unknown, missing or too many. */
static int parse_operands(const struct command_line *line, struct send_options *s)
{
	for (int i = 0; i < line->argc; i++) {
		const char *arg = line->argv[i];
		if (strcmp(arg, "--url") == 0 && i + 1 < line->argc)
			s->url = line->argv[++i];
		else if (strcmp(arg, "--id") == 0 && i + 1 < line->argc)
			s->id = line->argv[++i];
		else if (strcmp(arg, "--json") == 0)
			continue; /* the answer of intake is JSON anyway, so `send` accepts --json without effect */
		else if (arg[0] == '-' && arg[1] != '\0')
			return CLI_USAGE;
		else if (s->source == NULL)
			s->source = arg;
		else if (s->file == NULL)
			s->file = arg;
		else
			return CLI_USAGE;
	}
	return s->source != NULL && s->file != NULL ? CLI_OK : CLI_USAGE;
}

/* --id, or the member `id` of the body, or the digest of the body: a file that is sent twice keeps its id. */
static char *event_id_of(const struct send_options *s, struct str body)
{
	if (s->id != NULL)
		return mem_strdup(s->id);
	json_t *event = json_loadb(body.p, body.len, 0, NULL);
	const char *id = json_string_value(json_object_get(event, "id"));
	char *copy;
	if (id != NULL) {
		copy = mem_strdup(id);
	} else {
		uint8_t digest[DIGEST_BYTES];
		char hex[2 * DIGEST_BYTES + 1];
		digest_bytes(body.p, body.len, digest);
		hex_encode(digest, DIGEST_BYTES, hex);
		copy = mem_strndup(hex, 32);
	}
	json_decref(event);
	return copy;
}

static int print_line(void *ctx, struct str text)
{
	(void)ctx;
	printf("%.*s\n", (int)text.len, text.p);
	return 0;
}

/* If the configuration says port 0, the system chose the port, and the daemon is asked for it. */
static int find_url(const struct config *config, const struct send_options *s, char **ret, struct err *err)
{
	if (s->url != NULL || config->listen.port != 0) {
		*ret = s->url != NULL ? mem_strdup(s->url) : event_client_url(config, config->listen.port, s->source);
		return 0;
	}
	json_t *status = NULL;
	int rc = ERR_CLOSED;
	for (size_t i = 0; i < config->listen.admin.count && rc == ERR_CLOSED; i++)
		rc = admin_client_get(config->listen.admin.items[i], "/v1/status", &status, err);
	if (rc != 0)
		return err_set(err, rc,
					   "listen.intake has port 0, so only a running daemon knows the port, and none "
					   "answers; start the daemon, or give the address: --url http://127.0.0.1:PORT/in/%s",
					   s->source);
	json_int_t port = json_integer_value(json_object_get(json_object_get(status, "intake"), "port"));
	json_decref(status);
	if (port <= 0 || port > UINT16_MAX)
		return err_set(err, ERR_IO, "the daemon does not say on which port intake listens");
	*ret = event_client_url(config, (uint16_t)port, s->source);
	return 0;
}

/* A status of 300 and more is a failure, so that a script sees it in the exit code. */
static int send_event(const struct config *config, const struct send_options *s, struct str body)
{
	int at = config_find_source(config, str_of(s->source));
	if (at < 0) {
		event_client_no_source(config, s->source);
		return CLI_NOT_FOUND;
	}
	const struct config_source *source = &config->sources[at];
	char *url AUTO_FREE = NULL;
	char *id AUTO_FREE = event_id_of(s, body);
	struct err err = { 0 };
	unsigned status = 0;
	int rc = find_url(config, s, &url, &err);
	if (rc == 0)
		rc = event_client_post(source, url, body, id, NULL, print_line, &status, &err);
	if (rc != 0)
		fprintf(stderr, "almoner: %s%s\n", err.text,
				rc == ERR_CLOSED ? "; is the gateway running? (almoner serve)" : "");
	else
		fprintf(stderr, "%s answered %u%s\n", url, status,
				status == 401
					? ": the gateway does not use this secret (a changed secret needs a reload; one "
					  "from $env needs a restart)"
					: "");
	if (rc == ERR_CLOSED)
		return CLI_UNREACHABLE;
	return rc == 0 && status < 300 ? CLI_OK : CLI_FAILED;
}

/* Loads the configuration without connectors: only the source and its secret are needed. */
int command_send(const struct command_line *line)
{
	struct send_options s = { 0 };
	if (parse_operands(line, &s) != CLI_OK) {
		fprintf(
			stderr,
			"almoner: usage: send SOURCE FILE [--url URL] [--id ID] [--json]   (FILE - is standard input)\n");
		return CLI_USAGE;
	}
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	struct config *config = NULL;
	struct buf body AUTO_BUF = { 0 };
	struct err err = { 0 };
	int code = CLI_FAILED;
	if (config_load(line->config_path, NULL, &config, &found) != 0) {
		struct buf text AUTO_BUF = { 0 };
		diagnostics_print(&found, &text);
		fprintf(stderr, "%s", text.data != NULL ? text.data : "almoner: the configuration has errors\n");
	} else if (read_file(s.file, (size_t)64 << 20, &body, &err) != 0) {
		fprintf(stderr, "almoner: %s\n", err.text);
	} else {
		code = send_event(config, &s, buf_str(&body));
	}
	config_unref(config);
	return code;
}
