/* The demo's two halves: the stage (folder, receivers, daemon) and the story it tells. Private to
 * demo.c. */
#ifndef ALMONER_GATEWAY_DEMO_DEMO_H
#define ALMONER_GATEWAY_DEMO_DEMO_H

#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "saga/base/err.h"

struct demo_setup {
	char *folder; /* temporary; removed at the end unless --keep */
	char *config_path;
	char *program; /* this one, for the commands to type */
	char *socket_path;
	uint16_t http_port; /* of the receivers */
	uint16_t smtp_port;
	uint16_t intake_port;
	pid_t receivers;
	pid_t daemon;
	struct config *config;
};

/* Copies the shipped example, starts receivers and daemon, waits until both answer. */
int demo_setup_begin(struct demo_setup *s, struct err *err) MUST_CHECK;
/* SIGTERM to both, in order, and waits; removes the folder. Gives the daemon's exit code. */
int demo_setup_end(struct demo_setup *s);

/* A fault of the CRM receiver (HTTP 503), on or off. */
int demo_set_crm_fault(const struct demo_setup *s, bool broken, struct err *err) MUST_CHECK;
/* Signs and posts donation number `n`; *ret_saga: its saga. */
int demo_send_gift(const struct demo_setup *s, unsigned n, int64_t *ret_saga, struct err *err) MUST_CHECK;
/* A call of the admin API whose answer is one object: a new reference. */
int demo_get(const struct demo_setup *s, const char *path, json_t **ret, struct err *err) MUST_CHECK;

/* Tells the story until `stop` is set or the seconds are over (0: no end). */
void demo_scenario(const struct demo_setup *s, int64_t seconds, const volatile int *stop);

#endif
