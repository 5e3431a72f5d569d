#include "gateway/plugin/event_names.h"

#include <string.h>

#include "config/nearest.h"

/* The canonical event (gateway/intake/pipeline/canonical.h), what the presets add, and the names that the
 * kit's templates have besides. Below an entry with members only these are known; below the others everything
 * is. */
static const struct {
	const char *name;
	const char *members[6];
} known[] = {
	{ "id", { NULL } },
	{ "type", { NULL } },
	{ "gift", { NULL } },
	{ "occurred_at", { NULL } },
	{ "donor", { "id", "email", "name", "phone", "address" } },
	{ "amount", { "minor", "value", "currency" } },
	{ "fund", { NULL } },
	{ "campaign", { NULL } },
	{ "recurring", { NULL } },
	{ "note", { NULL } },
	{ "metadata", { NULL } },
	{ "platform", { NULL } },
	{ "extra", { NULL } },
	{ "event", { NULL } },
	{ "steps", { NULL } },
	{ "own", { NULL } },
	{ "saga", { NULL } },
	{ "step", { NULL } },
	{ "key", { NULL } },
	{ "do_key", { NULL } },
	{ "original", { NULL } },
};
#define KNOWN   (sizeof known / sizeof *known)
#define MEMBERS (sizeof known[0].members / sizeof known[0].members[0])

/* True if one name can be a mistyped form of the other: one letter is wrong, from six letters on two. In
 * shorter names a difference of two letters is mostly another word. */
static bool resembles(const char *name, const char *other)
{
	size_t allowed = strlen(name) < 6 ? 1 : 2;
	return strlen(name) > 3 && strlen(other) > 3 && nearest_distance(name, other) <= allowed;
}

static const char *misspelt_member(const char *const *members, const char *part)
{
	const char *alike = NULL;
	for (size_t i = 0; i < MEMBERS && members[i] != NULL; i++) {
		if (strcmp(members[i], part) == 0)
			return NULL;
		if (resembles(part, members[i]))
			alike = members[i];
	}
	return alike;
}

/* Cuts off and returns the part of the path before the next dot; NULL at the end. */
static char *next_part(char **rest)
{
	char *part = *rest;
	if (part == NULL || *part == '\0')
		return NULL;
	char *dot = strchr(part, '.');
	*rest = dot != NULL ? dot + 1 : NULL;
	if (dot != NULL)
		*dot = '\0';
	return part;
}

const char *event_names_misspelt(struct str path, struct str *ret_part)
{
	char copy[EVENT_NAMES_BYTES];
	if (path.len == 0 || path.len >= sizeof copy)
		return NULL;
	memcpy(copy, path.p, path.len);
	copy[path.len] = '\0';
	char *rest = copy + (copy[0] == '.' ? 1 : 0);
	const char *part = next_part(&rest);
	if (part != NULL && strcmp(part, "event") == 0)
		part = next_part(&rest);
	const char *alike = NULL;
	for (size_t i = 0; part != NULL && i < KNOWN; i++) {
		if (strcmp(known[i].name, part) == 0) {
			part = next_part(&rest);
			alike = part != NULL ? misspelt_member(known[i].members, part) : NULL;
			break;
		}
		if (resembles(part, known[i].name))
			alike = known[i].name;
	}
	if (alike != NULL)
		*ret_part = (struct str){ path.p + (part - copy), strlen(part) };
	return alike;
}
