/* The command line for operators: every command that speaks the admin API. This module sees no store, no
 * engine and no socket. It calls the API through struct cli_port, which the caller connects to the daemon's
 * unix socket or, when no daemon runs, to the same API in this process on a read-only store. */
#ifndef ALMONER_GATEWAY_CLI_CLI_H
#define ALMONER_GATEWAY_CLI_CLI_H

#include <stdbool.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* Exit codes: an interface for scripts. CLI_FAILED: the operation failed or was refused; CLI_UNREACHABLE: no
 * daemon answers, or its socket is not open to this user. */
enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NOT_FOUND = 3, CLI_UNREACHABLE = 4 };

struct cli_port {
	void *ctx;
	/* One call of the admin API. `body`: JSON text, or NULL. `line` gets each line of the answer without its
	 * line end, also of an answer that is an error; if `line` returns nonzero, the call ends early. Returns 0
	 * with the HTTP status, ERR_CLOSED if no daemon can be reached, ERR_REFUSED if its socket is not open to
	 * this user. */
	int (*call)(void *ctx, const char *method, const char *path, const char *body, void *line_ctx,
				int (*line)(void *line_ctx, struct str text), unsigned *ret_status, struct err *err);
	/* Forgets that no daemon answered, so that the next call looks for a daemon again. May be NULL. */
	void (*reconnect)(void *ctx);
};

/* Runs one command. argv[0] is the first word of the command ("saga"); the caller has removed --config.
 * Returns an exit code. */
int cli_run(const struct cli_port *port, int argc, char **argv) MUST_CHECK;
/* Handles --help and wrong usage, for which no port is needed: prints the text, gives the exit code and
 * returns true. Returns false if cli_run has to be called. */
bool cli_needs_no_port(int argc, char **argv, int *ret_code) MUST_CHECK;
/* Does argv name a command of this module? */
bool cli_has_command(int argc, char **argv);
/* Appends a line of help for each command with the first word `first`; returns false if there is none. */
bool cli_suggest(const char *first, struct buf *out);
/* Appends one line of help in the columns that all commands of the program use. */
void cli_help_line(const char *name, const char *operands, const char *help, struct buf *out);
/* Appends a line of help for each command of this module. */
void cli_help(struct buf *out);

#endif
