#include "gateway/engine/forbidden.h"

#include <string.h>

static struct forbidden_suspect *find(struct forbidden *f, int64_t saga, uint16_t step)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->suspects[i].saga == saga && f->suspects[i].step == step)
			return &f->suspects[i];
	return NULL;
}

static void forget(struct forbidden *f, struct forbidden_suspect *s)
{
	size_t after = (size_t)(&f->suspects[f->count] - (s + 1));
	memmove(s, s + 1, after * sizeof *s);
	f->count--;
}

static bool another_waits(const struct forbidden *f)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (!f->suspects[i].cleared)
			return true;
	return false;
}

enum forbidden_verdict forbidden_seen(struct forbidden *f, int64_t saga, uint16_t step)
{
	struct forbidden_suspect *again = find(f, saga, step);
	if (again != NULL) {
		forget(f, again);
		return FORBIDDEN_REJECTED;
	}
	if (another_waits(f)) {
		forbidden_clear(f);
		return FORBIDDEN_DENIED;
	}
	if (f->count == FORBIDDEN_SUSPECTS)
		forget(f, &f->suspects[0]);
	f->suspects[f->count++] = (struct forbidden_suspect){ .saga = saga, .step = step };
	return FORBIDDEN_WAIT;
}

void forbidden_answered(struct forbidden *f, int64_t saga, uint16_t step, bool accepted)
{
	struct forbidden_suspect *self = find(f, saga, step);
	if (self != NULL && accepted)
		forget(f, self);
	for (uint32_t i = 0; accepted && i < f->count; i++)
		f->suspects[i].cleared = true;
}

void forbidden_clear(struct forbidden *f)
{
	f->count = 0;
}

bool streak_rejected(struct streak *s, int64_t saga)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->sagas[i] == saga)
			return false;
	s->sagas[s->count++] = saga;
	if (s->count < STREAK_LIMIT)
		return false;
	s->count = 0;
	return true;
}

void streak_clear(struct streak *s)
{
	s->count = 0;
}
