/* A verb with --all: on every saga that matches the filters. */
#ifndef ALMONER_GATEWAY_CLI_BULK_H
#define ALMONER_GATEWAY_CLI_BULK_H

#include "gateway/cli/run.h"

/* Prints how many sagas match, asks for confirmation, makes a job of the daemon, and waits for the job with a
 * progress display (--no-wait: prints its number and returns). `refusal`: why the verb can be refused for a
 * saga that matched, as "because …" in the summary. Returns an exit code. */
int bulk_run(struct command_run *run, const char *refusal) MUST_CHECK;

#endif
