/* The admin API on a real store: the journal's rig, a configuration, and calls that give JSON. */
#ifndef ALMONER_TESTS_UNIT_ADMIN_RIG_H
#define ALMONER_TESTS_UNIT_ADMIN_RIG_H

#include "gateway/admin/api.h"
#include "gateway/admin/jobs.h"
#include "tests/unit/journal/rig.h"

struct admin_rig {
	struct rig *rig;
	struct config *config;
	struct api_context api;
	unsigned live_asked; /* how often target_live was called */
	bool threaded;
	struct jobs *jobs;
};

/* Sagas may be made through `rig` until admin_rig_thread. */
int admin_rig_setup(void **state);
int admin_rig_teardown(void **state);
/* From now on the journal has its own thread: verbs are answered, the rig must not be pumped. */
void admin_rig_thread(struct admin_rig *a);
/* Another configuration: the inside of "targets". */
void admin_rig_targets(struct admin_rig *a, const char *targets);

/* Every line of the answer, streams to their end. A new array; checks the status. */
json_t *admin_rig_lines(struct admin_rig *a, unsigned status, const char *method, const char *path,
						const char *body);
/* The one line of it. */
json_t *admin_rig_one(struct admin_rig *a, unsigned status, const char *method, const char *path,
					  const char *body);
/* "error" of an answer with this status holds this text. */
void admin_rig_error(struct admin_rig *a, unsigned status, const char *method, const char *path,
					 const char *body, const char *text);
/* A member; "" or 0 when it is none. */
const char *admin_rig_text(const json_t *object, const char *member);
long long admin_rig_number(const json_t *object, const char *member);
/* Sagas of one step at the CRM: the odd ones are rejected. */
void admin_rig_sagas(struct admin_rig *a, int count);

#endif
