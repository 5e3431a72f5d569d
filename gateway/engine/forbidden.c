#include "gateway/engine/forbidden.h"

#include <string.h>

static struct forbidden_suspect *find(struct forbidden *f, int64_t saga, uint16_t step)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->suspects[i].saga == saga && f->suspects[i].step == step)
			return &f->suspects[i];
	return NULL;
}

static void remove_suspect(struct forbidden *f, struct forbidden_suspect *s)
{
	size_t tail = (size_t)(&f->suspects[f->count] - (s + 1));
	memmove(s, s + 1, tail * sizeof *s);
	f->count--;
}

static bool other_suspect_open(const struct forbidden *f, const struct forbidden_suspect *self)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (!f->suspects[i].cleared && &f->suspects[i] != self)
			return true;
	return false;
}

static void add_suspect(struct forbidden *f, int64_t saga, uint16_t step)
{
	if (f->count == FORBIDDEN_SUSPECTS)
		remove_suspect(f, &f->suspects[0]);
	f->suspects[f->count++] = (struct forbidden_suspect){ .saga = saga, .step = step };
}

/* While the target is held, each 403 counts as denied, even that of a cleared suspect. */
enum forbidden_verdict forbidden_seen(struct forbidden *f, int64_t saga, uint16_t step, bool held)
{
	struct forbidden_suspect *known = find(f, saga, step);
	if (known != NULL && known->cleared && !held) {
		remove_suspect(f, known);
		return FORBIDDEN_REJECTED;
	}
	bool denied = held || other_suspect_open(f, known);
	if (known != NULL)
		return denied ? FORBIDDEN_DENIED : FORBIDDEN_REJECTED;
	add_suspect(f, saga, step);
	return denied ? FORBIDDEN_DENIED : FORBIDDEN_WAIT;
}

void forbidden_answered(struct forbidden *f, int64_t saga, uint16_t step, bool accepted)
{
	struct forbidden_suspect *self = find(f, saga, step);
	if (self != NULL && accepted)
		remove_suspect(f, self);
	for (uint32_t i = 0; accepted && i < f->count; i++)
		f->suspects[i].cleared = true;
}

void forbidden_reset(struct forbidden *f)
{
	for (uint32_t i = f->count; i > 0; i--)
		if (!f->suspects[i - 1].cleared)
			remove_suspect(f, &f->suspects[i - 1]);
}
