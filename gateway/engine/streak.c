#include "gateway/engine/streak.h"

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
