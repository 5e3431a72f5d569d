/* `serve`: runs the daemon in this process. */
#include <stdio.h>

#include "gateway/commands/commands.h"
#include "gateway/daemon/daemon.h"

int command_serve(const struct command_line *line)
{
	if (line->argc > 0) {
		fprintf(stderr, "almoner: serve takes no arguments but --config FILE; see almoner --help\n");
		return CLI_USAGE;
	}
	return daemon_run(&(struct daemon_options){ .config_path = line->config_path });
}
