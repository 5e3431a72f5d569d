/* The command line for people: every verb that speaks the admin API. It sees no store, no engine, no socket:
 * the port below is the unix socket's client, or, for reading without a daemon, the same API in this process.
 */
#ifndef ALMONER_CLI_CLI_H
#define ALMONER_CLI_CLI_H

#include <stdbool.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NOT_FOUND = 3, CLI_UNREACHABLE = 4 };

struct cli_port {
	void *ctx;
	/* One call of the admin API. `line` gets each line of the answer (without its end), errors included;
	 * returning nonzero breaks off. Returns 0 with the HTTP status, ERR_CLOSED when no daemon can be reached,
	 * ERR_REFUSED when its socket is not for this user. */
	int (*call)(void *ctx, const char *method, const char *path, const char *body, void *line_ctx,
				int (*line)(void *line_ctx, struct str text), unsigned *ret_status, struct err *err);
	/* Forgets that no daemon answered: the next call looks again. May be NULL. */
	void (*reconnect)(void *ctx);
};

/* argv[0] is the first word of the command ("saga"); --config has been taken out. Returns an exit code. */
int cli_run(const struct cli_port *port, int argc, char **argv) MUST_CHECK;
/* Help and wrong usage, which need no port: says it and gives the exit code. False: cli_run has work to do. */
bool cli_needs_no_port(int argc, char **argv, int *ret_code) MUST_CHECK;
/* Is `argv` a command of this room (so that main asks for a port)? */
bool cli_has_command(int argc, char **argv);
/* Lines for the commands that begin with this word; false when there is none. */
bool cli_suggest(const char *first, struct buf *out);
/* One line of help, its columns as in all others. */
void cli_help_line(const char *name, const char *operands, const char *help, struct buf *out);
/* Lines of help for these commands. */
void cli_help(struct buf *out);

#endif
