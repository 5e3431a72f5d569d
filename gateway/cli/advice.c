#include "gateway/cli/advice.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gateway/cli/run.h"

static void advise_doubt(long long id, const json_t *step)
{
	const char *name = run_text(step, "name");
	const char *key = run_text(step, "key");
	printf(
		"\n%s%s may have worked. Check at target %s%s%s (`almoner event show %lld` prints donor and amount), "
		"then run one of:\n"
		"  almoner saga resolve %lld %s --done   (or --not-done)\n"
		"  almoner saga redo %lld %s             to send it again anyway\n",
		run_is_undo(step) ? "The undo of " : "", name, run_text(step, "target"),
		*key != '\0' ? "; it was sent with key " : "", key, id, id, name, id, name);
}

static void advise_undo_failed(long long id, const json_t *step)
{
	const char *name = run_text(step, "name");
	printf("\nThe undo of %s failed, so its effect is still there. Correct the cause named above, then:\n"
		   "  almoner saga retry %lld %s\n"
		   "or undo it by hand at target %s and record that (`saga skip` leaves the effect in place):\n"
		   "  almoner saga resolve %lld %s --done\n",
		   name, id, name, run_text(step, "target"), id, name);
}

static void advise_correction(long long id, const json_t *step)
{
	const char *name = run_text(step, "name");
	printf("\nStep %s needs attention (%s). Correct the cause named above, then:\n"
		   "  almoner saga resume %lld                 (or: almoner saga skip %lld %s)\n",
		   name, run_text(step, "reason"), id, id, name);
}

/* Is the saga being undone already? Then the failure that started the undo needs no operator any more. */
static bool has_undo(const json_t *saga)
{
	size_t i;
	json_t *step;
	json_array_foreach(json_object_get(saga, "steps"), i, step) if (run_is_undo(step)) return true;
	return false;
}

/* A doubt needs an operator even after the saga was cancelled; every other reason only while the saga is in
 * attention. */
static void advise_step(const json_t *saga, const json_t *step)
{
	long long id = run_number(saga, "id");
	const char *reason = run_text(step, "reason");
	bool open = strcmp(run_text(saga, "state"), "attention") == 0;
	if (strcmp(run_text(step, "state"), "attention") != 0)
		return;
	if (strcmp(reason, "in_doubt") == 0)
		advise_doubt(id, step);
	else if (open && strcmp(reason, "undo_failed") == 0)
		advise_undo_failed(id, step);
	else if (open && !has_undo(saga))
		advise_correction(id, step);
}

/* Each step in attention gets its own advice, because one step can be in doubt while another was rejected. */
void advice_print(const json_t *saga)
{
	assert(saga != NULL);
	long long id = run_number(saga, "id");
	const char *reason = run_text(saga, "reason");
	size_t i;
	json_t *step;
	if (strcmp(reason, "quarantined") == 0)
		printf("\nThe event cannot be mapped. Correct the map of its source, reload, then:\n"
			   "  almoner event reprocess %lld\n"
			   "  almoner saga cancel %lld               if the event is of no use\n",
			   id, id);
	else if (strcmp(reason, "gift_missing") == 0)
		printf(
			"\nThe platform sent an event about a gift that never came. Look for the gift at the platform, "
			"then:\n"
			"  almoner event reprocess %lld           after the source's configuration was corrected\n"
			"  almoner saga cancel %lld               if there is no such gift\n",
			id, id);
	json_array_foreach(json_object_get(saga, "steps"), i, step) advise_step(saga, step);
}
