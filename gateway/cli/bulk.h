/* A verb on all sagas that match, and what verbs tell besides. Private to the room. */
#ifndef ALMONER_CLI_BULK_H
#define ALMONER_CLI_BULK_H

#include "gateway/cli/run.h"

/* Counts, asks, has the daemon make a job of it, and waits for that with its progress, or leaves it
 * (--no-wait). */
run_command cli_bulk_run;

#endif
