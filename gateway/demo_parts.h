/* The demo's two halves: the stage (folder, receivers, daemon) and the story it tells. Private to
 * command_demo.c. */
#ifndef ALMONER_GATEWAY_DEMO_PARTS_H
#define ALMONER_GATEWAY_DEMO_PARTS_H

#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "saga/base/err.h"

struct demo_stage {
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
int demo_stage_begin(struct demo_stage *s, struct err *err) MUST_CHECK;
/* SIGTERM to both, in order, and waits; removes the folder. Gives the daemon's exit code. */
int demo_stage_end(struct demo_stage *s);

/* A fault of the CRM receiver (HTTP 503), on or off. */
int demo_break_crm(const struct demo_stage *s, bool broken, struct err *err) MUST_CHECK;
/* Signs and posts donation number `n`; *ret_saga: its saga. */
int demo_give(const struct demo_stage *s, unsigned n, int64_t *ret_saga, struct err *err) MUST_CHECK;
/* A call of the admin API whose answer is one object: a new reference. */
int demo_ask(const struct demo_stage *s, const char *path, json_t **ret, struct err *err) MUST_CHECK;

/* Tells the story until `stop` is set or the seconds are over (0: no end). */
void demo_story(const struct demo_stage *s, int64_t seconds, const volatile int *stop);

#endif
