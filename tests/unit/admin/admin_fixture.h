/* The admin API on a real store: the journal's rig, a configuration, and calls that give JSON. */
#ifndef ALMONER_TESTS_UNIT_ADMIN_ADMIN_FIXTURE_H
#define ALMONER_TESTS_UNIT_ADMIN_ADMIN_FIXTURE_H

#include "gateway/admin/api.h"
#include "gateway/admin/jobs/jobs.h"
#include "tests/unit/journal/journal_fixture.h"

struct admin_fixture {
	struct journal_fixture *journal_fixture;
	struct config *config;
	struct api_context api;
	unsigned live_asked; /* how often target_live was called */
	bool threaded;
	struct jobs *jobs;
};

/* Sagas may be made through `rig` until admin_fixture_thread. */
int admin_fixture_setup(void **state);
int admin_fixture_teardown(void **state);
/* From now on the journal has its own thread: verbs are answered, the rig must not be pumped. */
void admin_fixture_thread(struct admin_fixture *a);
/* Another configuration: the inside of "targets". */
void admin_fixture_targets(struct admin_fixture *a, const char *targets);

/* Every line of the answer, streams to their end. A new array; checks the status. */
json_t *admin_fixture_lines(struct admin_fixture *a, unsigned status, const char *method, const char *path,
							const char *body);
/* The one line of it. */
json_t *admin_fixture_one(struct admin_fixture *a, unsigned status, const char *method, const char *path,
						  const char *body);
/* "error" of an answer with this status holds this text. */
void admin_fixture_error(struct admin_fixture *a, unsigned status, const char *method, const char *path,
						 const char *body, const char *text);
/* A member; "" or 0 when it is none. */
const char *admin_fixture_text(const json_t *object, const char *member);
long long admin_fixture_number(const json_t *object, const char *member);
/* Sagas of one step at the CRM: the odd ones are rejected. */
void admin_fixture_sagas(struct admin_fixture *a, int count);

#endif
