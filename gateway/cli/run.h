/* What each command gets (struct command_run), how commands call the admin API, and how they print. */
#ifndef ALMONER_GATEWAY_CLI_RUN_H
#define ALMONER_GATEWAY_CLI_RUN_H

#include <jansson.h>

#include "gateway/cli/args.h"
#include "gateway/cli/cli.h"

struct command_run {
	const struct cli_port *port;
	struct args args;
	const char *verb; /* the last word of the command: "resume" */
	bool quiet;       /* calls that fail print no error */
};

/* Returns an exit code. */
typedef int run_command(struct command_run *run);

/* Calls the API for an answer of one object: a new reference in *ret, NULL unless the result is CLI_OK. Takes
 * `body` (may be NULL). Prints errors to standard error. Returns an exit code. */
int run_call(struct command_run *run, const char *method, const char *path, json_t *body,
			 json_t **ret) MUST_CHECK;
/* Calls the API for an answer of many lines: `each` gets every line as a borrowed object and may return
 * nonzero to end the call early. Lines that are errors go to standard error instead. Takes `body`. Returns an
 * exit code. */
int run_stream(struct command_run *run, const char *method, const char *path, json_t *body, void *ctx,
			   int (*each)(void *ctx, json_t *line)) MUST_CHECK;
/* Prints one value as a line of JSON on standard output. Returns an exit code. */
int run_print(json_t *value) MUST_CHECK;
/* Waits `wait_ms`, then lets the port look for a daemon again. */
void run_reconnect(struct command_run *run, int wait_ms);
/* Prints each line of the answer to GET `path` as JSON. Returns an exit code. */
int run_copy(struct command_run *run, const char *path) MUST_CHECK;
/* The path for an event that the operator named as ID or as SOURCE/EVENT_ID: `base`, then the encoded parts.
 */
void run_event_path(const char *base, const char *name, struct buf *out);

/* Replaces the control characters in every text of `value`, so that no donor or platform can send commands to
 * the terminal. `lines`: line ends and tabs stay; they always stay in a member named "raw". */
void run_clean(json_t *value, bool lines);

/* The member's text, or "" if the member is null, absent or not a text. Borrowed from `object` (may be NULL).
 */
const char *run_text(const json_t *object, const char *member);
/* The text of the member `raw`, or a note that the bytes are not text. Borrowed. */
const char *run_raw(const json_t *object);
/* The member's number, or 0 if it is absent or not a number. */
long long run_number(const json_t *object, const char *member);
/* Does this step, or this record about a step, belong to the undo? */
bool run_is_undo(const json_t *object);
/* The state of a step as operators read it: for an undo "undone" when it succeeded, "undo …" before. */
const char *run_step_state(const json_t *step);
/* `one` or `many`, by the count. */
const char *run_plural(long long count, const char *one, const char *many);
/* Asks the operator to confirm the verb for `count` things. True with --yes; false, with a message, if
 * standard input is not a terminal. */
bool run_confirm(const struct command_run *run, long long count, const char *one, const char *many);
/* Prints "almoner: TEXT" to standard error and returns CLI_USAGE. */
int run_usage(const char *text);

/* The functions of the commands, for the table in cli.c. */
run_command cli_sagas_list, cli_sagas_show, cli_verbs_step, cli_verbs_resolve, cli_verbs_sagas,
	cli_verbs_events, cli_verbs_target_pause, cli_verbs_target_resume, cli_targets_list, cli_targets_show,
	cli_targets_backlog, cli_views_status, cli_views_event, cli_views_log, cli_views_verify, cli_jobs_list,
	cli_jobs_show, cli_jobs_cancel, cli_rejected_list, cli_rejected_show, cli_rejected_replay;

#endif
