/* The conformance suite: rules that every connector must follow, whatever its target is. */
#ifndef ALMONER_TESTS_CONFORMANCE_H
#define ALMONER_TESTS_CONFORMANCE_H

#include <jansson.h>

#include "tests/support/connector_driver.h"

/* A suite, read from its JSON file:
 *   settings   of the connector; a text that begins with "canary" is a secret that must never appear
 *   event      a canonical event that the connector accepts
 *   replies    bodies that the target gives, so that conversations get past the first exchange */
struct suite {
	json_t *json;
	const json_t *settings; /* borrowed from json */
	char *event;
	char **replies;
	size_t reply_count;
	char **canaries;
	size_t canary_count;
	char *base_dir; /* folder of the file; paths in the settings are relative to it */
};

/* Returns 0, or -1 after it printed the error to standard error. The caller frees a suite that was read. */
int suite_read(const char *path, struct suite *ret_suite);
void suite_free(struct suite *suite);

/* The faults that were found, one text line each, and how much was tried. */
struct findings {
	struct buf lines;
	size_t faults;
	size_t conversations;
	size_t exchanges;
};

/* Adds a fault. The lines of the first 20 are kept, further ones are only counted. */
void conformance_finding(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* One conversation with a connector: the purpose, the event, and the replies of the target. */
struct conversation {
	uint32_t purpose;
	const char *event;
	const char *checkpoint;              /* NULL: none */
	const struct almoner_reply *replies; /* in order; after the last one the attempt is ended */
	size_t reply_count;
	bool may_fail; /* the input is nonsense, so an error (-1 with a text) is a correct answer */
};

/* Runs one conversation twice, checks each action, and checks that both times gave the same bytes. */
void conversation_run(struct driver *d, const struct suite *suite, const struct conversation *conversation,
					  struct findings *f);

/* Tries everything on an opened connector. `seed` starts the random conversations, of which there are
 * `rounds`. */
void conformance_run(struct driver *d, const struct suite *suite, uint64_t seed, size_t rounds,
					 struct findings *f);

/* Plays the preview of the connector (gateway/plugin/preview.h) with the event of the suite and with
 * shortened forms of it: every exchange that reads must get a reply, and the event of the suite must end with
 * OK. A connector that reads first must have a preview. */
void conformance_preview(struct driver *d, const struct suite *suite,
						 const struct almoner_connector *connector, struct findings *f);

#endif
