/* What every store decides alike about a saga_filter. */
#include <string.h>
#include <strings.h>

#include "saga/store/store.h"

bool store_filter_row(const struct saga_filter *f, const struct saga_row *row)
{
	return (f->state < 0 || row->state == f->state) && (f->older_ms == 0 || row->created_ms < f->older_ms) &&
		   (f->newer_ms == 0 || row->created_ms >= f->newer_ms);
}

static bool text_matches(const char *wanted, const char *text)
{
	return wanted == NULL || strcmp(wanted, text) == 0;
}

static bool donor_matches(const char *wanted, const char *donor)
{
	if (wanted == NULL)
		return true;
	return strchr(wanted, '@') != NULL ? strcasecmp(wanted, donor) == 0 : strcmp(wanted, donor) == 0;
}

/* True if one step satisfies target, outcome and reason together. */
static bool any_step_matches(const struct saga_filter *f, const struct saga *s)
{
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *step = &s->steps[i];
		if (text_matches(f->target, s->plan->steps[i].target) &&
			(f->outcome < 0 || step->last == f->outcome) && (f->reason < 0 || step->reason == f->reason))
			return true;
	}
	return false;
}

static bool steps_match(const struct saga_filter *f, const struct saga *s)
{
	if (f->target == NULL && f->outcome < 0 && f->reason < 0)
		return true;
	/* The saga's own reason (quarantined, gift_missing) belongs to no step. */
	if (f->target == NULL && f->outcome < 0 && s->reason == f->reason)
		return true;
	return any_step_matches(f, s);
}

bool store_filter_saga(const struct saga_filter *f, const struct saga *s)
{
	return text_matches(f->source, s->source) && text_matches(f->event_id, s->event_id) &&
		   donor_matches(f->donor, s->donor) && steps_match(f, s);
}
