/* `demo`: plays a charity in a temporary folder, with its own gateway and receivers. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/commands/commands.h"
#include "gateway/demo/demo.h"

/* How often SIGINT or SIGTERM has arrived; only the signal handler writes it. */
static volatile int interrupted;

static void on_interrupt(int signum)
{
	(void)signum;
	interrupted = interrupted + 1;
}

/* "--seconds N" or "--seconds=N"; 0 without it. */
static int parse_seconds(const struct command_line *line, int64_t *ret)
{
	*ret = 0;
	if (line->argc == 0)
		return CLI_OK;
	const char *text = line->argc == 2 && strcmp(line->argv[0], "--seconds") == 0         ? line->argv[1]
					   : line->argc == 1 && strncmp(line->argv[0], "--seconds=", 10) == 0 ? line->argv[0] + 10
																						  : "";
	char *end;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *ret > 0)
		return CLI_OK;
	fprintf(stderr, "almoner: usage: demo [--seconds N]\n");
	return CLI_USAGE;
}

/* The handlers are set first, so that Ctrl-C during the start still removes the folder and ends both
 * processes. */
int command_demo(const struct command_line *line)
{
	int64_t seconds;
	if (parse_seconds(line, &seconds) != CLI_OK)
		return CLI_USAGE;
	struct sigaction action = { .sa_handler = on_interrupt };
	if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
		return CLI_FAILED;
	struct demo_setup setup = { 0 };
	struct err err = { 0 };
	int rc = demo_setup_begin(&setup, &err);
	if (rc == 0)
		demo_scenario(&setup, seconds, &interrupted);
	else
		fprintf(stderr, "almoner: %s\n", err.text);
	int code = demo_setup_end(&setup);
	return rc == 0 && code == 0 ? CLI_OK : CLI_FAILED;
}
