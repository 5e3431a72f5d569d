/* What `almoner demo` runs: setup.c prepares a temporary folder and starts the receivers and a daemon,
 * scenario.c sends donations and lets the CRM fail. gateway/commands/demo.c calls both. One thread. */
#ifndef ALMONER_GATEWAY_DEMO_DEMO_H
#define ALMONER_GATEWAY_DEMO_DEMO_H

#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "saga/base/err.h"

/* Zeroed before demo_setup_begin; the strings belong to it until demo_setup_end. */
struct demo_setup {
	char *folder; /* the demo's temporary folder; removed at the end, but kept if the daemon failed */
	char *config_path;
	char *program; /* the path of almoner, for the commands that the demo prints */
	char *socket_path;
	uint16_t http_port; /* the HTTP port of the receivers; all ports are on 127.0.0.1 */
	uint16_t smtp_port; /* of the receivers */
	uint16_t intake_port;
	pid_t receivers; /* the process of almoner-sink; 0: not started */
	pid_t daemon;    /* the process of `almoner serve`; 0: not started */
	struct config *config;
};

/* Copies the shipped example configuration, starts receivers and daemon, and waits until both answer. After
 * an error too, call demo_setup_end. */
int demo_setup_begin(struct demo_setup *s, struct err *err) MUST_CHECK;
/* Ends first the daemon, then the receivers, and removes the folder if the daemon's exit code is 0. Gives
 * that code. */
int demo_setup_end(struct demo_setup *s);

/* GET of `path` from the daemon's admin API (admin_client_get). */
int demo_get(const struct demo_setup *s, const char *path, json_t **ret, struct err *err) MUST_CHECK;

/* Plays until *stop is not 0 or `seconds` are over (0: no end), and prints each step. *stop is set by a
 * signal handler: the number of Ctrl-C so far. */
void demo_scenario(const struct demo_setup *s, int64_t seconds, const volatile int *stop);

#endif
