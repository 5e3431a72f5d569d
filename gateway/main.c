/* almoner: finds the path of the configuration and the command, and runs the command. Commands that are not
 * in the table below are those of the admin API (gateway/cli). */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/commands/commands.h"
#include "gateway/daemon/daemon.h"

#define DEFAULT_CONFIG "/etc/almoner/almoner.json"

static const struct {
	const char *first;
	const char *second; /* NULL: a command of one word */
	command_function *run;
	const char *operands;
	const char *help;
} commands[] = {
	{ "serve", NULL, command_serve, "", "run the gateway until SIGTERM" },
	{ "check", NULL, command_check, "[--json]",
	  "check the configuration: print what it does, or all of its errors" },
	{ "demo", NULL, command_demo, "[--seconds N]",
	  "run a gateway with receivers and signed donations in a temporary folder" },
	{ "send", NULL, command_send, "SOURCE FILE [--url URL] [--id ID]",
	  "sign an event as its platform would, and post it to the gateway" },
	{ "source", "try", command_source_try, "NAME FILE [--header 'N: V']… [--json]",
	  "show step by step what becomes of an event; nothing is stored or sent" },
	{ "connector", "list", command_connector_list, "[--json]",
	  "list the connectors, and how far each is proven" },
	{ "connector", "describe", command_connector_describe, "NAME [--json]",
	  "list the options of a connector" },
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* Appends the help of command `i`: `before`, its words, its operands, and what it does. */
static void help_line(size_t i, const char *before, struct buf *out)
{
	char words[40];
	snprintf(words, sizeof words, "%s%s%s", commands[i].first, commands[i].second != NULL ? " " : "",
			 commands[i].second != NULL ? commands[i].second : "");
	buf_text(out, before);
	cli_help_line(words, commands[i].operands, commands[i].help, out);
}

/* The help of gateway/cli comes after the commands of this file; both fill one buffer, so the columns
 * match. */
static int print_help(void)
{
	struct buf lines AUTO_BUF = { 0 };
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		help_line(i, "  ", &lines);
	buf_byte(&lines, '\n');
	cli_help(&lines);
	printf(
		"almoner %s: receives donation events, stores each one before it acknowledges it, and delivers it\n\n"
		"usage: almoner COMMAND … [--config FILE]   (or ALMONER_CONFIG, or /etc/almoner/almoner.json)\n\n",
		ALMONER_VERSION);
	printf("%s\nthe options of a command: almoner saga resume --help; when something is wrong: man almoner\n"
		   "exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 no daemon\n",
		   lines.data);
	return CLI_OK;
}

/* Removes --config FILE and --config=FILE from the arguments, at any position before "--", and gives the last
 * FILE. */
static int take_config(int *argc, char **argv, const char **ret)
{
	int kept = 0;
	bool only_words = false;
	for (int i = 0; i < *argc; i++) {
		only_words = only_words || strcmp(argv[i], "--") == 0;
		if (!only_words && strncmp(argv[i], "--config=", 9) == 0) {
			*ret = argv[i] + 9;
		} else if (!only_words && strcmp(argv[i], "--config") == 0) {
			if (i + 1 == *argc) {
				fprintf(stderr, "almoner: --config needs a file\n");
				return CLI_USAGE;
			}
			*ret = argv[++i];
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	return CLI_OK;
}

/* Appends the help of all commands that begin with the word `first`, also those of gateway/cli. */
static void suggest(const char *first, struct buf *out)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].second != NULL && strcmp(commands[i].first, first) == 0)
			help_line(i, "  almoner ", out);
	cli_suggest(first, out);
}

/* The answer to a first word without its second, as in "almoner saga": the commands that begin with this
 * word. */
static int unknown_command(int argc, char **argv)
{
	struct buf known AUTO_BUF = { 0 };
	suggest(argv[0], &known);
	bool wants_help = known.len > 0 && argc > 1 && strcmp(argv[1], "--help") == 0;
	if (wants_help)
		printf("%s", known.data);
	else if (known.len > 0)
		fprintf(stderr, "almoner: \"%s\" %s%s%s; there are:\n%s", argv[0],
				argc > 1 ? "has no verb \"" : "needs a verb", argc > 1 ? argv[1] : "", argc > 1 ? "\"" : "",
				known.data);
	else
		fprintf(stderr, "almoner: unknown command \"%s\"; see almoner --help\n", argv[0]);
	return wants_help ? CLI_OK : CLI_USAGE;
}

static bool asks_help(int argc, char **argv)
{
	return argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
}

/* Runs the command that `argv` begins with; `--help` after it prints its help instead. */
static int dispatch(const char *config_path, int argc, char **argv)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		int words = commands[i].second != NULL ? 2 : 1;
		if (argc < words || strcmp(argv[0], commands[i].first) != 0 ||
			(words == 2 && strcmp(argv[1], commands[i].second) != 0))
			continue;
		if (asks_help(argc - words, argv + words)) {
			printf("%s\nusage: almoner %s%s%s%s%s [--config FILE]\n", commands[i].help, commands[i].first,
				   words == 2 ? " " : "", words == 2 ? commands[i].second : "",
				   *commands[i].operands != '\0' ? " " : "", commands[i].operands);
			return CLI_OK;
		}
		return commands[i].run(&(struct command_line){ config_path, argc - words, argv + words });
	}
	if (cli_has_command(argc, argv))
		return command_admin(config_path, argc, argv);
	return unknown_command(argc, argv);
}

/* The locale makes the width of UTF-8 text known to the tables of gateway/cli; messages are English in every
 * locale. */
int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const char *config_path = getenv("ALMONER_CONFIG");
	if (config_path == NULL || *config_path == '\0')
		config_path = DEFAULT_CONFIG;
	argc--;
	argv++;
	int code = take_config(&argc, argv, &config_path);
	if (code != CLI_OK)
		return code;
	if (argc == 0) {
		print_help();
		return CLI_USAGE;
	}
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "help") == 0)
		return print_help();
	if (strcmp(argv[0], "--version") == 0) {
		printf("almoner %s\n", ALMONER_VERSION);
		return CLI_OK;
	}
	code = dispatch(config_path, argc, argv);
	if (code == CLI_FAILED && strcmp(config_path, DEFAULT_CONFIG) == 0 && access(config_path, F_OK) != 0)
		fprintf(stderr, "almoner: to use another configuration: --config FILE, or set ALMONER_CONFIG\n");
	return code;
}
