/* Comparing two snapshots: what a reload changes. */
#include <stdlib.h>
#include <string.h>

#include "config/locate.h"
#include "config/reader.h"
#include "saga/base/mem.h"

static void add_change(struct config_changes *changes, enum config_change_kind kind,
					   enum config_subject subject, const char *name, bool needs_restart)
{
	changes->items = mem_grow(changes->items, (changes->count + 1) * sizeof(*changes->items));
	changes->items[changes->count++] =
		(struct config_change){ kind, subject, mem_strdup(name), needs_restart };
	changes->needs_restart += needs_restart;
}

/* ---- options ---- */

struct config_comparison {
	struct config_changes *changes;
	struct buf pointer;
};

static void compare_section(struct config_comparison *c, const struct config_section *section,
							const void *before, const void *after);

/* Compares values as the tables show them, so a default that is written out is no change. */
static void compare_option(struct config_comparison *c, const struct config_option *option,
						   const void *before, const void *after)
{
	json_t *old, *new;

	if (option->type == OPTION_OBJECT) {
		compare_section(c, option->section, (const char *)before + option->offset,
						(const char *)after + option->offset);
		return;
	}
	old = option_show(option, before, false);
	new = option_show(option, after, false);
	if (old != new && !json_equal(old, new)) {
		enum config_change_kind kind = old == NULL   ? CONFIG_ADDED
									   : new == NULL ? CONFIG_REMOVED
													 : CONFIG_CHANGED;

		add_change(c->changes, kind, CONFIG_OPTION, c->pointer.data, (option->flags & OPTION_RESTART) != 0);
	}
	json_decref(old);
	json_decref(new);
}

static void compare_section(struct config_comparison *c, const struct config_section *section,
							const void *before, const void *after)
{
	for (size_t i = 0; i < section->count; i++) {
		size_t mark = c->pointer.len;

		locate_append(&c->pointer, section->options[i].name);
		compare_option(c, &section->options[i], before, after);
		c->pointer.len = mark;
		c->pointer.data[mark] = '\0';
	}
}

/* ---- named things ---- */

/* Sources, targets and routes have a name and a digest: the same code compares them. */
struct named_digest {
	const char *name;
	const uint8_t *digest;
};

struct subject_kind {
	enum config_subject subject;
	bool ordered; /* the order counts: a different position in the list is a change */
	size_t (*count)(const struct config *config);
	struct named_digest (*at)(const struct config *config, size_t index);
	int (*find)(const struct config *config, struct str name);
};

static size_t count_sources(const struct config *config)
{
	return config->source_count;
}

static struct named_digest source_at(const struct config *config, size_t index)
{
	return (struct named_digest){ config->sources[index].name, config->sources[index].digest };
}

static size_t count_targets(const struct config *config)
{
	return config->target_count;
}

static struct named_digest target_at(const struct config *config, size_t index)
{
	return (struct named_digest){ config->targets[index].name, config->targets[index].digest };
}

static size_t count_routes(const struct config *config)
{
	return config->route_count;
}

static struct named_digest route_at(const struct config *config, size_t index)
{
	return (struct named_digest){ config->routes[index].name, config->routes[index].digest };
}

static const struct subject_kind subject_kinds[] = {
	{ CONFIG_SOURCE, false, count_sources, source_at, config_find_source },
	{ CONFIG_TARGET, false, count_targets, target_at, config_find_target },
	{ CONFIG_ROUTE, true, count_routes, route_at, config_find_route },
};

/* Matches the items of both snapshots by name. */
static void compare_kind(struct config_changes *changes, const struct subject_kind *kind,
						 const struct config *before, const struct config *after)
{
	for (size_t i = 0; i < kind->count(before); i++) {
		struct named_digest old = kind->at(before, i);
		int now = kind->find(after, str_of(old.name));

		if (now < 0)
			add_change(changes, CONFIG_REMOVED, kind->subject, old.name, false);
		else if (memcmp(old.digest, kind->at(after, (size_t)now).digest, DIGEST_BYTES) != 0 ||
				 (kind->ordered && (size_t)now != i))
			add_change(changes, CONFIG_CHANGED, kind->subject, old.name, false);
	}
	for (size_t i = 0; i < kind->count(after); i++) {
		const char *name = kind->at(after, i).name;

		if (kind->find(before, str_of(name)) < 0)
			add_change(changes, CONFIG_ADDED, kind->subject, name, false);
	}
}

void config_diff(const struct config *before, const struct config *after, struct config_changes *ret_changes)
{
	struct config_changes changes = { 0 };
	struct config_comparison c = { .changes = &changes };

	compare_section(&c, table_root(), before, after);
	for (size_t i = 0; i < sizeof(subject_kinds) / sizeof(subject_kinds[0]); i++)
		compare_kind(&changes, &subject_kinds[i], before, after);
	buf_free(&c.pointer);
	*ret_changes = changes;
}

void config_changes_finish(struct config_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		free(changes->items[i].name);
	free(changes->items);
	*changes = (struct config_changes){ 0 };
}
