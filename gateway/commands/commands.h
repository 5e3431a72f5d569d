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

command_function command_serve, command_check, command_demo, command_send, command_source_try,
	command_connector_list, command_connector_describe;

/* The port for commands that speak the admin API: the daemon's socket, or, when no daemon answers and the
 * command only reads, the same API in this process on the read-only store. */
int command_admin(const char *config_path, int argc, char **argv);

#endif
