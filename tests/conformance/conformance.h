/* The conformance kit: what every connector must hold, whatever it talks to. */
#ifndef ALMONER_TESTS_CONFORMANCE_H
#define ALMONER_TESTS_CONFORMANCE_H

#include <jansson.h>

#include "tests/support/connector_driver.h"

/* A suite, as its JSON file says:
 *   settings   of the connector; texts that begin with "canary" are secrets that must never come out
 *   event      one that the connector takes
 *   replies    bodies the target gives, for conversations to get somewhere */
struct suite {
	json_t *json;
	const json_t *settings;
	char *event;
	char **replies;
	size_t reply_count;
	char **canaries;
	size_t canary_count;
	char *base_dir;
};

/* Returns 0, or -1 after a line on standard error. */
int suite_read(const char *path, struct suite *ret_suite);
void suite_free(struct suite *suite);

/* What was found wrong, as lines; and how much was tried. */
struct findings {
	struct buf lines;
	size_t faults;
	size_t conversations;
	size_t exchanges;
};

void conformance_finding(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* One conversation: the purpose, the event, and which replies come. */
struct conversation {
	uint32_t purpose;
	const char *event;
	const char *checkpoint;              /* NULL: none */
	const struct almoner_reply *replies; /* in order; after the last one the attempt is ended */
	size_t reply_count;
	bool may_fail; /* nonsense went in: -1 with a reason is a fair answer */
};

/* Holds one conversation twice, the second time to see that every byte is the same, and checks each action.
 */
void conversation_run(struct driver *d, const struct suite *suite, const struct conversation *conversation,
					  struct findings *f);

/* The whole kit over an opened connector. */
void conformance_run(struct driver *d, const struct suite *suite, uint64_t seed, size_t rounds,
					 struct findings *f);

#endif
