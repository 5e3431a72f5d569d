/* Parses the short form of plans that fixture_plan describes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/journal/journal_fixture.h"

static void read_flags(struct plan_step *step, const char *flags)
{
	if (strchr(flags, '?') != NULL)
		step->when = (char *)(uintptr_t)".x";
	if (strchr(flags, '~') != NULL)
		step->expire_ms = 60000;
	step->undo_none = strchr(flags, '!') != NULL;
}

static uint32_t after_bit(const struct plan *draft, const char *name)
{
	for (unsigned i = 0; i < draft->step_count; i++) {
		if (strcmp(draft->steps[i].name, name) == 0)
			return 1u << i;
	}
	fail_msg("no step %s before it", name);
	return 0;
}

struct plan *fixture_plan(const char *text, enum policy policy)
{
	struct plan draft = { .route = (char *)(uintptr_t)"donations", .policy = policy };
	char words[200];
	snprintf(words, sizeof words, "%s", text);
	char *rest = NULL;
	for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		struct plan_step *step = &draft.steps[draft.step_count];
		char *after = strchr(word, '<');
		if (after != NULL)
			*after++ = '\0';
		char *flags = word + strcspn(word, "?~!");
		read_flags(step, flags);
		*flags = '\0';
		step->name = word;
		/* "crm2" names a second step at the target crm */
		step->target = mem_strndup(word, strcspn(word, "0123456789"));
		step->after = after != NULL ? after_bit(&draft, after) : 0;
		draft.step_count++;
	}
	struct plan *plan = NULL;
	struct err err = { 0 };
	if (plan_create(&draft, &plan, &err) != 0)
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < draft.step_count; i++)
		free(draft.steps[i].target);
	return plan;
}

void fixture_use_plan(struct journal_fixture *r, const char *text, enum policy policy)
{
	plan_unref(r->plan);
	r->plan = fixture_plan(text, policy);
}
