#include "gateway/cli/advice.h"

#include <stdio.h>
#include <string.h>

#include "gateway/cli/run.h"

static void advise_doubt(long long id, const json_t *step)
{
	const char *name = run_text(step, "name");
	const char *key = run_text(step, "key");
	(void)printf("\n%s%s may have worked. Look at target %s%s%s (`almoner event show %lld` has donor and "
				 "amount), then:\n"
				 "  almoner saga resolve %lld %s --done   (or --not-done)\n"
				 "  almoner saga redo %lld %s             to send it again all the same\n",
				 run_is_undo(step) ? "The undo of " : "", name, run_text(step, "target"),
				 *key != '\0' ? ", it was sent with key " : "", key, id, id, name, id, name);
}

static void advise_undo_failed(long long id, const json_t *step)
{
	const char *name = run_text(step, "name");
	(void)printf("\nWhat %s did still stands. Mend what it says, then:\n"
				 "  almoner saga retry %lld %s\n"
				 "or undo it by hand at target %s, and say so (or leave it: saga skip):\n"
				 "  almoner saga resolve %lld %s --done\n",
				 name, id, name, run_text(step, "target"), id, name);
}

static void advise_rest(long long id, const json_t *step)
{
	(void)printf("\nMend what %s says, then:\n  almoner saga resume %lld                 (or: almoner saga "
				 "skip %lld %s)\n",
				 run_text(step, "name"), id, id, run_text(step, "name"));
}

/* Does it undo already? Then what set that off needs nobody any more. */
static bool has_undo(const json_t *saga)
{
	size_t i;
	json_t *step;
	json_array_foreach(json_object_get(saga, "steps"), i, step) if (run_is_undo(step)) return true;
	return false;
}

static void advise_step(const json_t *saga, const json_t *step)
{
	long long id = run_number(saga, "id");
	const char *reason = run_text(step, "reason");
	bool open = strcmp(run_text(saga, "state"), "attention") == 0;
	if (strcmp(run_text(step, "state"), "attention") != 0)
		return;
	if (strcmp(reason, "in_doubt") == 0) /* also when the saga was cancelled */
		advise_doubt(id, step);
	else if (open && strcmp(reason, "undo_failed") == 0)
		advise_undo_failed(id, step);
	else if (open && !has_undo(saga))
		advise_rest(id, step);
}

/* Each step in attention by itself: one may be in doubt, another refused. */
void advice_print(const json_t *saga)
{
	long long id = run_number(saga, "id");
	const char *reason = run_text(saga, "reason");
	size_t i;
	json_t *step;
	if (strcmp(reason, "quarantined") == 0)
		(void)printf("\nMend the source's map, reload, then:\n  almoner event reprocess %lld\n"
					 "  almoner saga cancel %lld               if nothing can be made of it\n",
					 id, id);
	else if (strcmp(reason, "gift_missing") == 0)
		(void)printf(
			"\nThe platform spoke of a gift that never came. Compare with the platform's own list, then:\n"
			"  almoner event reprocess %lld           if the source's configuration was mended\n"
			"  almoner saga cancel %lld               if there is no such gift\n",
			id, id);
	json_array_foreach(json_object_get(saga, "steps"), i, step) advise_step(saga, step);
}
