/* The commands that need more than the admin API: one row each in commands.c. */
#ifndef ALMONER_GATEWAY_COMMANDS_COMMANDS_H
#define ALMONER_GATEWAY_COMMANDS_COMMANDS_H

#include "gateway/cli/cli.h"

/* What main found out before the command runs. */
struct command_line {
	const char *config_path; /* ---- config, ALMONER_CONFIG, or /etc/almoner/almoner.json ---- */
	int argc;                /* words after the command's own */
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

/* The port for commands that speak the admin API: the daemon's socket, or, when no daemon answers and the
 * command only reads, the same API in this process on the read-only store. */
int command_admin(const char *config_path, int argc, char **argv);

#endif
