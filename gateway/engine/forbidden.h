/* Finds out what a reply 403 means: this one message is not allowed (rejected), or our credentials are not
 * accepted (denied). See saga/DESIGN.md "Outcome classes".
 *
 * One 403 alone does not say. The first 403 makes its step wait a moment and makes the step a suspect;
 * meanwhile the target gets other steps. If another step is forbidden too, our credentials are the cause
 * (denied), and the target is held. If another step is accepted, the credentials work: all suspects are
 * cleared, and a cleared step is rejected at its next 403. A step that is forbidden again while no other
 * suspect is open is rejected as well. A step that is forbidden while the target is held becomes a
 * suspect; a probe that is accepted clears it. Pure. Thread: one at a time. */
#ifndef ALMONER_ENGINE_FORBIDDEN_H
#define ALMONER_ENGINE_FORBIDDEN_H

#include <stdbool.h>
#include <stdint.h>

/* When one more suspect comes, the oldest one is forgotten. Chosen, no measurement. */
#define FORBIDDEN_SUSPECTS 16
/* A forbidden step is sent again after this time, in which the target gets other steps. Chosen. */
#define FORBIDDEN_WAIT_MS 2000

/* A step that was answered with 403. */
struct forbidden_suspect {
	int64_t saga;
	uint16_t step;
	bool cleared; /* the target has accepted another step since it answered 403, so the credentials work */
};

struct forbidden {
	struct forbidden_suspect suspects[FORBIDDEN_SUSPECTS]; /* oldest first */
	uint32_t count;
};

enum forbidden_verdict {
	FORBIDDEN_WAIT,    /* send the step again after FORBIDDEN_WAIT_MS; the attempt does not count */
	FORBIDDEN_DENIED,  /* a second step is forbidden too: the credentials are not accepted */
	FORBIDDEN_REJECTED /* the target refuses this message */
};

/* A step was answered with 403. `held`: the target is held at this moment. */
enum forbidden_verdict forbidden_seen(struct forbidden *f, int64_t saga, uint16_t step, bool held);
/* A step was answered otherwise. `accepted`: the answer shows that the target accepts our credentials. */
void forbidden_answered(struct forbidden *f, int64_t saga, uint16_t step, bool accepted);
/* The settings were changed, or a hold or a pause has ended: forgets the suspects that are not cleared. */
void forbidden_reset(struct forbidden *f);

#endif
