/* The admin API on a real store: the fixture of the journal tests, a configuration, and calls that return
 * JSON. */
#ifndef ALMONER_TESTS_UNIT_ADMIN_ADMIN_FIXTURE_H
#define ALMONER_TESTS_UNIT_ADMIN_ADMIN_FIXTURE_H

#include <stdatomic.h>

#include "gateway/admin/api.h"
#include "gateway/admin/jobs/jobs.h"
#include "tests/unit/journal/journal_fixture.h"

struct admin_fixture {
	struct journal_fixture *journal_fixture;
	struct config *config;
	struct api_context api;
	unsigned live_asked;                 /* how often target_live was called */
	atomic_uint commands[COMMAND_KINDS]; /* how often each kind of command was run */
	bool threaded;
	struct jobs *jobs;
};

/* Until admin_fixture_thread is called, a test makes sagas through `journal_fixture`. */
int admin_fixture_setup(void **state);
int admin_fixture_teardown(void **state);
/* Starts the threads of the journal and of the jobs, so that verbs are answered. After that, the test must
 * not pump the journal itself. */
void admin_fixture_thread(struct admin_fixture *a);
/* Replaces the configuration. `targets`: the members of "targets" as JSON, without the braces. */
void admin_fixture_targets(struct admin_fixture *a, const char *targets);

/* Makes a call, checks the status, and returns every line of the answer, of a stream up to its end. A new
 * array. */
json_t *admin_fixture_lines(struct admin_fixture *a, unsigned status, const char *method, const char *path,
							const char *body);
/* The same for an answer of one line: returns that line, a new reference. */
json_t *admin_fixture_one(struct admin_fixture *a, unsigned status, const char *method, const char *path,
						  const char *body);
/* Makes a call and checks that the status is this one and that "error" contains `text`. */
void admin_fixture_error(struct admin_fixture *a, unsigned status, const char *method, const char *path,
						 const char *body, const char *text);
/* The value of a member; "" or 0 if the member is absent. */
const char *admin_fixture_text(const json_t *object, const char *member);
long long admin_fixture_number(const json_t *object, const char *member);
/* Makes `count` sagas with one step at the CRM. The target rejects the step of every odd saga. */
void admin_fixture_sagas(struct admin_fixture *a, int count);

#endif
