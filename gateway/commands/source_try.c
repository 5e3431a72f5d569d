/* `source try`: runs an event through the steps of intake and prints the result of each; nothing is stored or
 * sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/commands/commands.h"
#include "gateway/commands/event_client.h"
#include "gateway/commands/read_file.h"
#include "gateway/daemon/daemon.h"
#include "gateway/intake/pipeline/prepare.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* Chosen: more than any platform sends; no measurement. */
#define HEADERS_MAX 64

struct try_options {
	const char *source;
	const char *file;
	bool json;
	size_t header_count;
	struct {
		char *name;
		const char *value;
	} headers[HEADERS_MAX];
};

static const char *find_header(void *ctx, const char *name)
{
	const struct try_options *t = ctx;
	for (size_t i = 0; i < t->header_count; i++)
		if (strcasecmp(t->headers[i].name, name) == 0)
			return t->headers[i].value;
	return NULL;
}

static int take_header(struct try_options *t, const char *text)
{
	const char *colon = strchr(text, ':');
	if (colon == NULL || colon == text || t->header_count == HEADERS_MAX) {
		fprintf(stderr, "almoner: --header needs 'Name: value' and may be given %d times\n", HEADERS_MAX);
		return CLI_USAGE;
	}
	t->headers[t->header_count].name = mem_strndup(text, (size_t)(colon - text));
	t->headers[t->header_count++].value = colon + 1 + strspn(colon + 1, " \t");
	return CLI_OK;
}

/* Prints what is wrong and gives CLI_USAGE. The names of the headers are copied; command_source_try frees
 * them. */
static int parse_operands(const struct command_line *line, struct try_options *t)
{
	for (int i = 0; i < line->argc; i++) {
		const char *arg = line->argv[i];
		if (strcmp(arg, "--header") == 0 && i + 1 < line->argc) {
			if (take_header(t, line->argv[++i]) != CLI_OK)
				return CLI_USAGE;
		} else if (strcmp(arg, "--json") == 0) {
			t->json = true;
		} else if (arg[0] == '-' && arg[1] != '\0') {
			fprintf(stderr, "almoner: unknown option %s; source try takes --header and --json\n", arg);
			return CLI_USAGE;
		} else if (t->source == NULL) {
			t->source = arg;
		} else if (t->file == NULL) {
			t->file = arg;
		} else {
			t->source = NULL;
			break;
		}
	}
	if (t->source != NULL && t->file != NULL)
		return CLI_OK;
	fprintf(stderr, "almoner: usage: source try NAME FILE [--header 'Name: value']… [--json]   (FILE - "
					"is standard input)\n");
	return CLI_USAGE;
}

/* ---- output ---- */

static void print_member(const char *name, const json_t *value)
{
	char *text AUTO_FREE = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (json_is_object(value) || json_is_array(value)) {
		char *lines AUTO_FREE = json_dumps(value, JSON_INDENT(2));
		printf("    %s:\n%s\n", name, lines != NULL ? lines : "");
	} else {
		printf("    %s: %s\n", name,
			   json_is_string(value) ? json_string_value(value)
			   : text != NULL        ? text
									 : "");
	}
}

/* `unsigned_try`: no --header was given, so a failed verification is no result: it is shown as not
 * checked. */
static void print_stages(json_t *stages, bool unsigned_try)
{
	size_t i;
	json_t *stage;
	json_array_foreach(stages, i, stage)
	{
		const char *name;
		json_t *value;
		if (unsigned_try && i == 0) {
			printf("1. verify: not checked (no --header was given)\n");
			continue;
		}
		printf("%zu. %s: %s\n", i + 1, json_string_value(json_object_get(stage, "stage")),
			   json_is_true(json_object_get(stage, "ok")) ? "ok" : "NOT ok");
		json_object_foreach(stage, name, value)
		{
			if (strcmp(name, "stage") != 0 && strcmp(name, "ok") != 0)
				print_member(name, value);
		}
	}
}

static const char *verdict_of(int rc, const struct prepared *p)
{
	if (rc == ERR_REFUSED)
		return "refused: intake would answer 401";
	if (p->accept.kind == ACCEPT_RELATED)
		return "related: it would be recorded with the saga of its gift, and would not start a saga of its "
			   "own";
	if (p->accept.start.own_reason == REASON_QUARANTINED)
		return "quarantined: it would be stored, answered like a new event, and wait for `event reprocess`";
	return p->accept.start.unrouted ? "unrouted: it would be stored; no route matches it"
									: "accepted: it would start a saga";
}

/* Gives CLI_FAILED if the event would be refused or quarantined, so that a script can test a map. */
static int try_source(struct rules *rules, struct try_options *t, struct str body)
{
	struct clock clock = clock_system();
	char *url AUTO_FREE = mem_printf("/in/%s", t->source);
	struct intake_request request = { .body = body,
									  .headers_ctx = t,
									  .header = find_header,
									  .url = url,
									  .now_ms = clock.now_ms(clock.ctx),
									  .wall_ms = clock.wall_ms(clock.ctx) };
	json_t *stages = json_array();
	struct prepared *p AUTO_PREPARED = NULL;
	int rc = prepare_event(rules, t->source, &request, NULL, stages, &p);
	/* Without headers the signature cannot be verified. The other steps are still useful, so they run as if
	 * it were. */
	bool unsigned_try = rc == ERR_REFUSED && t->header_count == 0;
	if (unsigned_try) {
		int at = config_find_source(rules->config, str_of(t->source));
		bool by_header = at >= 0 && rules->config->sources[at].event_id_header != NULL;
		const struct prepare_known known = { .event_id = by_header ? "(from a header)" : "", .type = "" };
		rc = prepare_event(rules, t->source, &request, &known, stages, &p);
	}
	if (rc == ERR_NOT_FOUND) {
		event_client_no_source(rules->config, t->source);
		json_decref(stages);
		return CLI_NOT_FOUND;
	}
	const char *verdict = verdict_of(rc, p);
	if (t->json) {
		json_t *all = json_pack("{s:s, s:b, s:s, s:O}", "source", t->source, "verified",
								!unsigned_try && rc == 0, "verdict", verdict, "stages", stages);
		char *text AUTO_FREE = json_dumps(all, JSON_COMPACT);
		puts(text != NULL ? text : "{}");
		json_decref(all);
	} else {
		print_stages(stages, unsigned_try);
		printf("=> %s\n%s", verdict,
			   unsigned_try
				   ? "   (not verified: to check the signature, give the platform's headers with --header)\n"
				   : "");
	}
	json_decref(stages);
	bool bad = rc != 0 || (p->accept.kind == ACCEPT_SAGA && p->accept.start.own_reason != REASON_NONE);
	return bad ? CLI_FAILED : CLI_OK;
}

/* The file may be as long as intake accepts (limits.body). */
int command_source_try(const struct command_line *line)
{
	struct try_options t = { 0 };
	int code = parse_operands(line, &t);
	struct config_env *env = config_env_create();
	struct config *config = NULL;
	struct catalog *catalog = NULL;
	struct rules *rules = NULL;
	struct buf body AUTO_BUF = { 0 };
	struct err err = { 0 };
	if (code == CLI_OK && daemon_config_load_print(line->config_path, env, &config, &catalog) != 0)
		code = CLI_FAILED;
	int rc = code == CLI_OK ? read_file(t.file, (size_t)config->limits.body_bytes, &body, &err) : 0;
	if (code == CLI_OK && rc == 0)
		rc = rules_create(config, &rules, &err);
	if (rc != 0) {
		fprintf(stderr, "almoner: %s\n", err.text);
		code = rc == ERR_NOT_FOUND ? CLI_NOT_FOUND : CLI_FAILED;
	}
	if (code == CLI_OK)
		code = try_source(rules, &t, buf_str(&body));
	rules_unref(rules);
	config_unref(config);
	catalog_destroy(catalog);
	config_env_destroy(env);
	for (size_t i = 0; i < t.header_count; i++)
		free(t.headers[i].name);
	return code;
}
