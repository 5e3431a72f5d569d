#include "saga/journal/schedule/work.h"

#include <stdlib.h>

void work_destroy(struct work *w)
{
	if (w == NULL)
		return;
	event_unref(w->event);
	plan_unref(w->plan);
	free(w->results);
	free(w->own_result);
	free(w->checkpoint);
	free(w);
}
