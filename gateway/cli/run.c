#include "gateway/cli/run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/mem.h"

struct reply_lines {
	json_t *last;      /* the last line of the answer, owned; an error is always the last line */
	bool for_terminal; /* whether control characters in the answer are replaced */
	void *ctx;
	/* the function that gets each line; NULL if only the last line is wanted */
	int (*each)(void *ctx, json_t *line);
};

/* Names, ids and error texts come from donors, platforms and targets. Their control characters (C0, DEL, and
 * C1 in its UTF-8 form) become "?" so that a terminal does not obey them. */
static void clean_text(json_t *text, bool lines)
{
	char *copy AUTO_FREE = mem_strndup(json_string_value(text), json_string_length(text));
	unsigned char *c = (unsigned char *)copy;
	unsigned char *end = c + json_string_length(text); /* the text may contain NUL bytes */
	bool changed = false;
	for (; c < end; c++) {
		bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0; /* U+0080 … U+009F */
		bool c0 = (*c < 0x20 || *c == 0x7f) && !(lines && (*c == '\n' || *c == '\t'));
		if (c1)
			*c++ = ' ';
		if (c0 || c1)
			*c = '?';
		changed = changed || c0 || c1;
	}
	if (changed)
		json_string_set(text, copy);
}

void run_clean(json_t *value, bool lines)
{
	size_t i;
	const char *name;
	json_t *item;
	if (json_is_string(value))
		clean_text(value, lines);
	json_array_foreach(value, i, item) run_clean(item, lines);
	json_object_foreach(value, name, item) run_clean(item, strcmp(name, "raw") == 0);
}

/* A line with "error" and without "saga" ends the answer; with "saga" it is the result of one saga of a bulk
 * verb, and the answer continues. */
static int on_line(void *ctx, struct str text)
{
	struct reply_lines *c = ctx;
	if (text.len == 0)
		return 0;
	json_t *line = json_loadb(text.p, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (line == NULL)
		return 0;
	if (c->for_terminal)
		run_clean(line, false);
	json_decref(c->last);
	c->last = line;
	bool is_error = json_is_string(json_object_get(line, "error")) && json_object_get(line, "saga") == NULL;
	return c->each != NULL && !is_error ? c->each(c->ctx, line) : 0;
}

/* Prints the error of an answer, if there is one, and maps its HTTP status to an exit code. An answer that
 * began with 200 can still end with an error line. */
static int exit_code(const struct command_run *run, unsigned status, const json_t *last)
{
	const char *error = json_string_value(json_object_get(last, "error"));
	if (status < 400 && (error == NULL || json_object_get(last, "saga") != NULL))
		return CLI_OK;
	if (!run->quiet)
		fprintf(stderr, "almoner: %s\n",
				error != NULL ? error : "the daemon refused the request without a reason");
	if (status == 404)
		return CLI_NOT_FOUND;
	if (status == 503)
		return CLI_UNREACHABLE;
	return status == 400 ? CLI_USAGE : CLI_FAILED;
}

/* Takes `body`. A call that fails before an answer came has no status: the port's error decides the exit
 * code. */
static int call(struct command_run *run, const char *method, const char *path, json_t *body,
				struct reply_lines *c)
{
	assert(*path == '/');
	char *text AUTO_FREE = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	unsigned status = 0;
	struct err err = { 0 };
	int rc = run->port->call(run->port->ctx, method, path, text, c, on_line, &status, &err);
	if (rc != 0) {
		if (!run->quiet)
			fprintf(stderr, "almoner: %s\n", err.text);
		return rc == ERR_CLOSED || rc == ERR_REFUSED ? CLI_UNREACHABLE
			   : rc == ERR_NOT_FOUND                 ? CLI_NOT_FOUND
													 : CLI_FAILED;
	}
	return exit_code(run, status, c->last);
}

int run_call(struct command_run *run, const char *method, const char *path, json_t *body, json_t **ret)
{
	assert(ret != NULL);
	struct reply_lines c = { .for_terminal = !run->args.json };
	int code = call(run, method, path, body, &c);
	if (code != CLI_OK || c.last == NULL) {
		json_decref(c.last);
		*ret = NULL;
		return code != CLI_OK ? code : CLI_FAILED;
	}
	*ret = c.last;
	return CLI_OK;
}

int run_stream(struct command_run *run, const char *method, const char *path, json_t *body, void *ctx,
			   int (*each)(void *ctx, json_t *line))
{
	assert(each != NULL);
	struct reply_lines c = { .for_terminal = !run->args.json, .ctx = ctx, .each = each };
	int code = call(run, method, path, body, &c);
	json_decref(c.last);
	return code;
}

int run_print(json_t *value)
{
	char *text AUTO_FREE = json_dumps(value, JSON_COMPACT);
	return text != NULL && puts(text) != EOF ? CLI_OK : CLI_FAILED;
}

void run_reconnect(struct command_run *run, int wait_ms)
{
	assert(wait_ms > 0);
	const struct timespec wait = { .tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000 };
	nanosleep(&wait, NULL);
	if (run->port->reconnect != NULL)
		run->port->reconnect(run->port->ctx);
}

static int print_line(void *ctx, json_t *line)
{
	(void)ctx;
	char *text AUTO_FREE = json_dumps(line, JSON_COMPACT | JSON_ENCODE_ANY);
	return text == NULL || puts(text) == EOF;
}

int run_copy(struct command_run *run, const char *path)
{
	assert(*path == '/');
	run->args.json = true; /* JSON escapes control characters, so the lines need no cleaning */
	return run_stream(run, "GET", path, NULL, NULL, print_line);
}

void run_event_path(const char *base, const char *name, struct buf *out)
{
	assert(*base == '/' && base[strlen(base) - 1] == '/');
	buf_text(out, base);
	const char *slash = strchr(name, '/');
	if (slash != NULL) {
		char *source AUTO_FREE = mem_strndup(name, (size_t)(slash - name));
		args_encode(out, source);
		buf_byte(out, '/');
		name = slash + 1;
	}
	args_encode(out, name);
}

const char *run_text(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);
	const char *text = json_string_value(value);
	return text != NULL ? text : "";
}

bool run_is_undo(const json_t *object)
{
	return strcmp(run_text(object, "direction"), "undo") == 0;
}

const char *run_step_state(const json_t *step)
{
	static const char *const undo_names[][2] = {
		{ "waiting", "undo waiting" },       { "ready", "undo ready" }, { "running", "undo running" },
		{ "retry_wait", "undo retry_wait" }, { "succeeded", "undone" }, { "attention", "undo attention" }
	};
	const char *state = run_text(step, "state");
	for (size_t i = 0; run_is_undo(step) && i < sizeof undo_names / sizeof *undo_names; i++)
		if (strcmp(undo_names[i][0], state) == 0)
			return undo_names[i][1];
	return state;
}

const char *run_raw(const json_t *object)
{
	return json_is_null(json_object_get(object, "raw")) ? "(not UTF-8 text; --json prints it as raw_base64)"
														: run_text(object, "raw");
}

long long run_number(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

const char *run_plural(long long count, const char *one, const char *many)
{
	assert(one != NULL && many != NULL);
	return count == 1 ? one : many;
}

bool run_confirm(const struct command_run *run, long long count, const char *one, const char *many)
{
	assert(one != NULL && many != NULL);
	if (run->args.yes)
		return true;
	if (isatty(STDIN_FILENO) != 1) {
		fflush(stdout); /* the number of matches is printed before this message, also into a file */
		fprintf(stderr,
				"almoner: not confirmed, nothing was done: standard input is no terminal; add --yes\n");
		return false;
	}
	printf("%s %lld %s? [y/N] ", run->verb, count, run_plural(count, one, many));
	fflush(stdout);
	char answer[8];
	return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

int run_usage(const char *text)
{
	assert(*text != '\0');
	fprintf(stderr, "almoner: %s\n", text);
	return CLI_USAGE;
}
