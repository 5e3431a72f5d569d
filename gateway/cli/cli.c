#include "gateway/cli/cli.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gateway/cli/run.h"

#define LIST   (ARGS_JSON | ARGS_FILTER | ARGS_LIMIT)
#define CHANGE (ARGS_JSON | ARGS_CHANGE)
#define BULK   (CHANGE | ARGS_FILTER | ARGS_BULK)

/* The columns of --help: wide enough for most rows, and a row with its help stays below 120 columns. */
#define HELP_NAME_COLUMNS    18
#define HELP_OPERAND_COLUMNS 28

/* The table of all commands. A name has one or two words. `operands` is the operand part of the usage line,
 * `sets` the option sets (enum args_set) that the command takes. */
static const struct cli_command {
	const char *name;
	const char *operands;
	unsigned sets;
	size_t min_operands, max_operands;
	run_command *run;
	const char *help;
} commands[] = {
	{ "status", "", ARGS_JSON, 0, 0, cli_views_status, "numbers of sagas by state, alerts, targets, intake" },
	{ "saga list", "", LIST, 0, 0, cli_sagas_list, "the sagas that match the filters, newest first" },
	{ "saga show", "ID", ARGS_JSON, 1, 1, cli_sagas_show, "the history of one event, and what can be done" },
	{ "saga resume", "ID… | --all", BULK | ARGS_RESUME, 0, ARGS_OPERANDS_MAX, cli_verbs_sagas,
	  "continue paused sagas and retry failed steps (not those in doubt)" },
	{ "saga retry", "ID STEP", CHANGE, 2, 2, cli_verbs_step, "try one step again now" },
	{ "saga redo", "ID STEP", CHANGE, 2, 2, cli_verbs_step,
	  "send a step again, although it may have worked" },
	{ "saga resolve", "ID STEP --done | --not-done", CHANGE | ARGS_RESOLVE, 2, 2, cli_verbs_resolve,
	  "record what a check at the target showed: the step was done, or not" },
	{ "saga skip", "ID STEP", CHANGE, 2, 2, cli_verbs_step,
	  "leave a step undone, and skip the steps after it" },
	{ "saga pause", "ID… | --all", BULK, 0, ARGS_OPERANDS_MAX, cli_verbs_sagas,
	  "start no more steps until the saga is resumed" },
	{ "saga cancel", "ID… | --all", BULK, 0, ARGS_OPERANDS_MAX, cli_verbs_sagas,
	  "start no more steps, for good" },
	{ "saga compensate", "ID… | --all", BULK, 0, ARGS_OPERANDS_MAX, cli_verbs_sagas,
	  "undo the steps that succeeded, in reverse order" },
	{ "job list", "", ARGS_JSON | ARGS_LIMIT, 0, 0, cli_jobs_list,
	  "bulk operations (--all), newest first, with progress" },
	{ "job show", "ID", ARGS_JSON, 1, 1, cli_jobs_show, "one bulk operation in detail" },
	{ "job cancel", "ID", CHANGE, 1, 1, cli_jobs_cancel,
	  "stop a bulk operation; what it changed stays changed" },
	{ "event show", "ID | SOURCE/EVENT_ID", ARGS_JSON, 1, 1, cli_views_event,
	  "an event as received and as mapped" },
	{ "event reprocess", "ID… | SOURCE/EVENT_ID… | --all", BULK, 0, ARGS_OPERANDS_MAX, cli_verbs_events,
	  "map quarantined events again, after a change of the configuration" },
	{ "refused list", "", ARGS_JSON | ARGS_SOURCE, 0, 0, cli_rejected_list,
	  "stored requests that were refused with 401 (sources.NAME.keep_refused)" },
	{ "refused show", "ID", ARGS_JSON, 1, 1, cli_rejected_show, "one stored request as it was received" },
	{ "refused replay", "ID… | --all | --source NAME", CHANGE | ARGS_SOURCE | ARGS_CONFIRM, 0,
	  ARGS_OPERANDS_MAX, cli_rejected_replay,
	  "verify stored requests with the current secrets; accept those that pass" },
	{ "target list", "", ARGS_JSON, 0, 0, cli_targets_list, "all targets with state, breaker and backlog" },
	{ "target show", "NAME", ARGS_JSON, 1, 1, cli_targets_show, "one target in detail" },
	{ "target pause", "NAME", CHANGE, 1, 1, cli_verbs_target_pause,
	  "send nothing to a target until it is resumed" },
	{ "target resume", "NAME", CHANGE, 1, 1, cli_verbs_target_resume, "end a pause or a hold of a target" },
	{ "backlog", "", ARGS_JSON, 0, 0, cli_targets_backlog, "waiting steps by target and age" },
	{ "log export", "", ARGS_JSON | ARGS_LOG, 0, 0, cli_views_log,
	  "every record of the saga log, one JSON object per line" },
	{ "verify", "", ARGS_JSON, 0, 0, cli_views_verify,
	  "check the log's chain and digests, and the database" },
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* Returns how many words of argv are the name of this command (1 or 2), or 0 if argv names another command.
 */
static int command_fits(const struct cli_command *c, int argc, char **argv)
{
	const char *space = strchr(c->name, ' ');
	size_t first = space != NULL ? (size_t)(space - c->name) : strlen(c->name);
	if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0)
		return 0;
	if (space == NULL)
		return 1;
	return argc >= 2 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static void usage_line(const struct cli_command *c, struct buf *out)
{
	struct buf options = { 0 };
	args_usage(c->sets, c->operands, &options);
	buf_printf(out, "usage: almoner %s%s%s%s%s [--config FILE]\n", c->name, *c->operands != '\0' ? " " : "",
			   c->operands, options.len > 0 ? " " : "", options.len > 0 ? options.data : "");
	buf_free(&options);
}

static void print_usage(FILE *to, const struct cli_command *c)
{
	struct buf usage = { 0 };
	usage_line(c, &usage);
	fputs(usage.data, to);
	buf_free(&usage);
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int help_one(const struct cli_command *c)
{
	printf("%s\n", c->help);
	print_usage(stdout, c);
	struct buf options = { 0 };
	args_explain(c->sets, &options);
	fputs(options.len > 0 ? options.data : "", stdout);
	buf_free(&options);
	return CLI_OK;
}

#define PARSED (-1)

/* Returns PARSED with the words in *ret, or an exit code: help or a usage error was printed, and the command
 * has nothing more to do. */
static int parse_command(const struct cli_command *c, int argc, char **argv, struct args *ret)
{
	if (wants_help(argc, argv))
		return help_one(c);
	struct err err = { 0 };
	int rc = args_parse(argc, argv, c->sets, ret, &err);
	if (rc == 0 && (ret->operand_count < c->min_operands || ret->operand_count > c->max_operands)) {
		rc = err_set(&err, ERR_INVALID, "%s %s", c->name,
					 ret->operand_count < c->min_operands ? "needs more operands" : "takes no more operands");
		args_finish(ret);
	}
	if (rc == 0)
		return PARSED;
	fprintf(stderr, "almoner: %s\n", err.text);
	print_usage(stderr, c);
	return CLI_USAGE;
}

static int run_found(const struct cli_command *c, const struct cli_port *port, int argc, char **argv)
{
	const char *space = strchr(c->name, ' ');
	struct command_run run = { .port = port, .verb = space != NULL ? space + 1 : c->name };
	int code = parse_command(c, argc, argv, &run.args);
	if (code != PARSED)
		return code;
	code = c->run(&run);
	args_finish(&run.args);
	return fflush(stdout) == 0 ? code : CLI_FAILED;
}

static const struct cli_command *find(int argc, char **argv, int *ret_used)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		*ret_used = command_fits(&commands[i], argc, argv);
		if (*ret_used > 0)
			return &commands[i];
	}
	return NULL;
}

void cli_help_line(const char *name, const char *operands, const char *help, struct buf *out)
{
	assert(*name != '\0' && *help != '\0');
	int extra = 0; /* printf pads by bytes; "…" has three, but one column */
	for (const char *c = operands; *c != '\0'; c++)
		extra += ((unsigned char)*c & 0xC0) == 0x80;
	size_t start = out->len;
	while (start > 0 && out->data[start - 1] != '\n')
		start--;
	int indent = (int)(out->len - start); /* what the caller has written before the name */
	buf_printf(out, "%-*s %-*s", HELP_NAME_COLUMNS, name, HELP_OPERAND_COLUMNS + extra, operands);
	/* Operands that are longer than their column: the help is in its column of the next line. */
	if ((int)strlen(operands) - extra > HELP_OPERAND_COLUMNS)
		buf_printf(out, "\n%*s", indent + HELP_NAME_COLUMNS + 1 + HELP_OPERAND_COLUMNS, "");
	buf_printf(out, " %s\n", help);
}

bool cli_suggest(const char *first, struct buf *out)
{
	assert(first != NULL);
	size_t len = strlen(first);
	bool any = false;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strncmp(commands[i].name, first, len) != 0 || commands[i].name[len] != ' ')
			continue;
		buf_text(out, "  almoner ");
		cli_help_line(commands[i].name, commands[i].operands, commands[i].help, out);
		any = true;
	}
	return any;
}

bool cli_has_command(int argc, char **argv)
{
	assert(argc >= 0);
	int used;
	return find(argc, argv, &used) != NULL;
}

bool cli_needs_no_port(int argc, char **argv, int *ret_code)
{
	assert(argc >= 0);
	int used;
	const struct cli_command *c = find(argc, argv, &used);
	struct args args = { 0 };
	*ret_code = c != NULL ? parse_command(c, argc - used, argv + used, &args) : PARSED;
	if (c != NULL && *ret_code == PARSED)
		args_finish(&args);
	return *ret_code != PARSED;
}

int cli_run(const struct cli_port *port, int argc, char **argv)
{
	assert(port->call != NULL && argc >= 0);
	int used;
	const struct cli_command *c = find(argc, argv, &used);
	return c != NULL ? run_found(c, port, argc - used, argv + used)
					 : run_usage("no such command; see almoner --help");
}

void cli_help(struct buf *out)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		buf_text(out, "  ");
		cli_help_line(commands[i].name, commands[i].operands, commands[i].help, out);
	}
}
