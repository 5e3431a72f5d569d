/* Is it the message or are it our credentials? (DESIGN §7, `denied` and `rejected`.)
 *
 * A 403 alone does not say. The first one of a step makes the step wait a moment; meanwhile other steps of
 * the target go on and are the probe: one that is denied too means credentials, one that is taken means the
 * message. A step that is forbidden a second time was heard and is rejected; as long as nothing was taken
 * since, the next one that is forbidden still tells credentials. What is forbidden while the target is held
 * stays suspect: a probe that is taken clears it, and its next 403 rejects it.
 * Pure. Thread: one. */
#ifndef ALMONER_ENGINE_FORBIDDEN_H
#define ALMONER_ENGINE_FORBIDDEN_H

#include <stdbool.h>
#include <stdint.h>

#define FORBIDDEN_SUSPECTS 16
#define FORBIDDEN_WAIT_MS  2000

struct forbidden_suspect {
	int64_t saga;
	uint16_t step;
	bool cleared; /* another step was taken meanwhile: credentials are fine */
};

struct forbidden {
	struct forbidden_suspect suspects[FORBIDDEN_SUSPECTS]; /* oldest first */
	uint32_t count;
};

enum forbidden_verdict {
	FORBIDDEN_WAIT,   /* ask again in a moment; no attempt spent */
	FORBIDDEN_DENIED, /* a second step is forbidden too: credentials */
	FORBIDDEN_REJECTED
};

/* A step was answered with 403. `held`: the target is held by now. */
enum forbidden_verdict forbidden_seen(struct forbidden *f, int64_t saga, uint16_t step, bool held);
/* A step was answered otherwise. `accepted`: our credentials were good enough for it. */
void forbidden_answered(struct forbidden *f, int64_t saga, uint16_t step, bool accepted);
/* Settings were changed, or a hold or pause has ended: what was open is open no more. Those that another step
 * cleared stay. */
void forbidden_reset(struct forbidden *f);

#endif
