/* The commands that need more than the admin API; each has a row in the table of gateway/main.c. Every
 * command gives the exit code of the process (enum in gateway/cli/cli.h) and prints its own errors to
 * standard error. */
#ifndef ALMONER_GATEWAY_COMMANDS_COMMANDS_H
#define ALMONER_GATEWAY_COMMANDS_COMMANDS_H

#include "gateway/cli/cli.h"

/* What gateway/main.c passes to a command. */
struct command_line {
	/* the path from --config, ALMONER_CONFIG, or the default; the file may be missing */
	const char *config_path;
	int argc; /* the arguments after the words of the command */
	char **argv;
};

typedef int command_function(const struct command_line *line);

int command_serve(const struct command_line *line);
int command_check(const struct command_line *line);
int command_demo(const struct command_line *line);
int command_send(const struct command_line *line);
int command_source_try(const struct command_line *line);
int command_connector_list(const struct command_line *line);
int command_connector_describe(const struct command_line *line);

/* Runs the commands of gateway/cli, which use only the admin API. The API is that of the daemon, through its
 * socket. When no daemon answers and the command only reads, the same API runs in this process on the store,
 * opened read-only. */
int command_admin(const char *config_path, int argc, char **argv);

#endif
