/* What a command's function gets, and how commands call the API. Private to the room. */
#ifndef ALMONER_CLI_RUN_H
#define ALMONER_CLI_RUN_H

#include <jansson.h>

#include "gateway/cli/args.h"
#include "gateway/cli/cli.h"

struct command_run {
	const struct cli_port *port;
	struct args args;
	const char *verb; /* last word of the command: "resume" */
	bool quiet;       /* calls that fail say nothing */
};

/* Returns an exit code. */
typedef int run_command(struct command_run *run);

/* One object as the whole answer: a new reference in *ret (NULL unless CLI_OK). Errors are printed to stderr.
 */
int run_call(struct command_run *run, const char *method, const char *path, json_t *body,
			 json_t **ret) MUST_CHECK;
/* Each line of the answer as an object (borrowed); `each` returning nonzero breaks off. */
int run_stream(struct command_run *run, const char *method, const char *path, json_t *body, void *ctx,
			   int (*each)(void *ctx, json_t *line)) MUST_CHECK;
/* One value as a line of JSON on stdout. Gives an exit code. */
int run_print(json_t *value) MUST_CHECK;
/* Waits, and lets the next call look for a daemon again. */
void run_reconnect(struct command_run *run, int wait_ms);
/* Each line as it is, to stdout. */
int run_copy(struct command_run *run, const char *path) MUST_CHECK;

/* Replaces control characters in every text of `value`; `lines`: line ends and tabs stay. */
void run_clean(json_t *value, bool lines);

/* Member as text: "" for null, absence and what is no text. Borrowed. */
const char *run_text(const json_t *object, const char *member);
/* Member `raw`: bytes as they came, or that they are no text. Borrowed. */
const char *run_raw(const json_t *object);
long long run_number(const json_t *object, const char *member);
/* Of a step, or a record about one: does it speak of the undo? */
bool run_is_undo(const json_t *object);
/* A step's state for people: "undone" where the undo has succeeded, "undo …" before. */
const char *run_step_state(const json_t *step);
/* "saga" or "sagas", by the count. */
const char *run_plural(long long count, const char *one, const char *many);
/* ---- yes, or a person's "y" at a terminal. ---- */
bool run_confirm(const struct command_run *run, long long count, const char *one, const char *many);
/* stderr: "almoner: …", returns CLI_USAGE. */
int run_usage(const char *text);

run_command cli_sagas_list, cli_sagas_show, cli_verbs_step, cli_verbs_sagas, cli_views_event,
	cli_verbs_events, cli_targets_list, cli_targets_show, cli_verbs_target, cli_views_status,
	cli_targets_backlog, cli_views_log, cli_views_verify, cli_jobs_list, cli_jobs_show, cli_jobs_cancel,
	cli_rejected_list, cli_rejected_show, cli_rejected_replay;

#endif
