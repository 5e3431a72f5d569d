/* A scripted host for connectors: it opens a plugin, begins steps, gives replies and returns the actions of the
 * connector. Nothing is sent over a network. */
#ifndef ALMONER_TESTS_SUPPORT_CONNECTOR_DRIVER_H
#define ALMONER_TESTS_SUPPORT_CONNECTOR_DRIVER_H

#include <stdbool.h>

#include "gateway/plugin/instance.h"
#include "saga/base/buf.h"

struct driver {
	struct instance *instance;
	struct connector_port port;
	struct almoner_step step; /* of the attempt under way; its texts are borrowed */
	void *attempt;
	struct almoner_action action; /* the last one */
	struct almoner_error error;   /* of the last call that failed */
	struct buf problems;          /* "pointer: message" lines of an open that failed */
};

/* Opens connector `entry` with settings as JSON text. Returns 0, or the code with `problems` filled. */
int driver_open(struct driver *d, const struct catalog_entry *entry, const char *settings,
				const char *base_dir);
/* Ends a running attempt too. */
void driver_close(struct driver *d);

/* The step every test starts from: DO, saga 1042, step "books", event "evt_1" of source "forms", accepted at
 * 2026-11-23T22:09:00Z; then change what differs in d->step before driver_begin. */
void driver_step(struct driver *d, const char *event);
int driver_begin(struct driver *d);
void driver_end(struct driver *d);

/* Asks for the next action; the result is in d->action. Returns what the port returns. */
int driver_next(struct driver *d, const struct almoner_reply *reply);
/* The same with a reply of status and body. */
int driver_reply(struct driver *d, uint32_t status, const char *body);

/* Begin and the first `next`; asserts that both succeed. */
const struct almoner_action *driver_start(struct driver *d, const char *event, uint32_t purpose);
/* Asserts that the connector continues, and returns its action. */
const struct almoner_action *driver_answer(struct driver *d, uint32_t status, const char *body);

struct almoner_text driver_text(const char *chars); /* NULL: absent */
bool driver_is(struct almoner_text text, const char *chars);
bool driver_has(struct almoner_text text, const char *part);
/* The value of a header of the last action; NULL when it is not there. */
const char *driver_header(const struct driver *d, const char *name);

/* The key the driver hands out: 32 hex digits, different per label and for undo. */
void driver_key(void *step, const char *label, char out[33]);

#endif
