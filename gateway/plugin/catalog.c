#include "gateway/plugin/catalog.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/nearest.h"
#include "gateway/plugin/load.h"
#include "saga/base/array.h"
#include "saga/base/buf.h"
#include "saga/base/mem.h"

struct catalog_dir {
	enum catalog_origin origin;
	char *dir;
};

struct catalog {
	struct catalog_dir *dirs;
	size_t dir_count;
	struct catalog_entry **entries; /* sorted by name */
	size_t entry_count;
};

/* ---- directories ---- */

static void add_dir(struct catalog *c, enum catalog_origin origin, const char *dir, size_t len)
{
	ARRAY_GROW_BY_COUNT(c->dirs, c->dir_count);
	c->dirs[c->dir_count++] = (struct catalog_dir){ origin, mem_strndup(dir, len) };
}

/* Whether the running program lies below the directory that it was built in, that is, was not installed. */
static bool runs_in_build_tree(void)
{
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char *root AUTO_FREE = realpath(ALMONER_BUILD_ROOT, NULL);
	if (len <= 0 || root == NULL)
		return false;
	exe[len] = '\0';
	size_t root_len = strlen(root);
	return strncmp(exe, root, root_len) == 0 && exe[root_len] == '/';
}

static void add_build_tree(struct catalog *c)
{
	const char *dir = ALMONER_BUILD_CONNECTORS;
	while (*dir != '\0') {
		size_t len = strcspn(dir, ":");
		add_dir(c, CATALOG_BUILD_TREE, dir, len);
		dir += len + (dir[len] == ':' ? 1 : 0);
	}
}

/* An installation may be moved as a whole, or lie below a staging directory. So the connectors are looked
 * for relative to the program first, and at the prefix of the build if there are none. */
static void add_prefix(struct catalog *c)
{
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
	exe[len < 0 ? 0 : len] = '\0';
	for (int level = 0; level < 2; level++) {
		char *slash = strrchr(exe, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	char *moved AUTO_FREE = mem_printf("%s/" ALMONER_CONNECTOR_SUBDIR, exe);
	const char *dir = access(moved, X_OK) == 0 ? moved : ALMONER_CONNECTOR_DIR;
	add_dir(c, CATALOG_PREFIX, dir, strlen(dir));
}

struct catalog *catalog_create(const char *const *paths, size_t path_count)
{
	struct catalog *c = mem_zalloc(sizeof *c);
	if (runs_in_build_tree())
		add_build_tree(c);
	add_prefix(c);
	for (size_t i = 0; i < path_count; i++)
		add_dir(c, CATALOG_CONFIGURED, paths[i], strlen(paths[i]));
	return c;
}

/* Frees the entries but unloads no code: running attempts may still use it. */
void catalog_destroy(struct catalog *catalog)
{
	if (catalog == NULL)
		return;
	for (size_t i = 0; i < catalog->entry_count; i++) {
		free(catalog->entries[i]->name);
		free(catalog->entries[i]->file);
		free(catalog->entries[i]->error);
		free(catalog->entries[i]);
	}
	for (size_t i = 0; i < catalog->dir_count; i++)
		free(catalog->dirs[i].dir);
	free(catalog->entries);
	free(catalog->dirs);
	free(catalog);
}

/* ---- entries ---- */

/* The name becomes part of a file name, so it must not contain a slash or a dot. */
static bool name_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/* The index of the entry `name`, or where it is to be inserted. */
static size_t position(const struct catalog *c, const char *name)
{
	size_t low = 0;
	size_t high = c->entry_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(c->entries[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct catalog_entry *find_entry(const struct catalog *c, const char *name)
{
	size_t at = position(c, name);
	return at < c->entry_count && strcmp(c->entries[at]->name, name) == 0 ? c->entries[at] : NULL;
}

/* Loads the file. A refused connector gets an entry too, so that `almoner connector list` shows why. */
static struct catalog_entry *add_entry(struct catalog *c, const char *name, const char *file,
									   enum catalog_origin origin)
{
	struct catalog_entry *e = mem_zalloc(sizeof *e);
	struct err err = { 0 };
	e->name = mem_strdup(name);
	e->file = mem_strdup(file);
	e->origin = origin;
	if (load_connector(file, name, &e->connector, &err) != 0)
		e->error = mem_strdup(err.text);
	size_t at = position(c, name);
	ARRAY_GROW_BY_COUNT(c->entries, c->entry_count);
	memmove(&c->entries[at + 1], &c->entries[at], (c->entry_count - at) * sizeof(struct catalog_entry *));
	c->entries[at] = e;
	c->entry_count++;
	return e;
}

/* The path of the connector `name` in a directory; the caller frees it. NULL: there is none. */
static char *find_file(const char *dir, const char *name)
{
	char *plain = mem_printf("%s/%s.so", dir, name);
	if (access(plain, F_OK) == 0)
		return plain;
	free(plain);
	char *prefixed = mem_printf("%s/almoner_%s.so", dir, name);
	if (access(prefixed, F_OK) == 0)
		return prefixed;
	free(prefixed);
	return NULL;
}

static struct catalog_entry *load_by_name(struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->dir_count; i++) {
		char *file AUTO_FREE = find_file(c->dirs[i].dir, name);
		if (file != NULL)
			return add_entry(c, name, file, c->dirs[i].origin);
	}
	return NULL;
}

/* ---- scanning ---- */

/* Extracts the connector's name from a file name. False: the file is no plugin. */
static bool name_of_file(const char *file, char *out, size_t cap)
{
	size_t len = strlen(file);
	if (len <= 3 || strcmp(file + len - 3, ".so") != 0)
		return false;
	const char *begin = strncmp(file, "almoner_", 8) == 0 ? file + 8 : file;
	size_t name_len = len - 3 - (size_t)(begin - file);
	if (name_len >= cap)
		return false;
	memcpy(out, begin, name_len);
	out[name_len] = '\0';
	return name_is_valid(out);
}

static void scan(const struct catalog_dir *dir_entry, void (*callback)(void *, const char *), void *ctx)
{
	DIR *dir = opendir(dir_entry->dir);
	if (dir == NULL)
		return;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		char name[64];
		if (name_of_file(e->d_name, name, sizeof name))
			callback(ctx, name);
	}
	closedir(dir);
}

static void load_if_new(void *ctx, const char *name)
{
	struct catalog *c = ctx;
	if (find_entry(c, name) == NULL)
		load_by_name(c, name);
}

size_t catalog_list(struct catalog *catalog, const struct catalog_entry *const **ret_entries)
{
	for (size_t i = 0; i < catalog->dir_count; i++)
		scan(&catalog->dirs[i], load_if_new, catalog);
	*ret_entries = (const struct catalog_entry *const *)catalog->entries;
	return catalog->entry_count;
}

/* ---- finding ---- */

struct name_suggestion {
	struct nearest nearest;
	char best[64];
};

static void offer_name(void *ctx, const char *name)
{
	struct name_suggestion *s = ctx;
	const char *before = s->nearest.best;
	nearest_offer(&s->nearest, name);
	if (s->nearest.best == before)
		return;
	/* `name` is valid only during this call. */
	snprintf(s->best, sizeof s->best, "%s", name);
	s->nearest.best = s->best;
}

/* The error lists the directories, because a wrong connectors.path is the usual cause. */
static int not_found(struct catalog *c, const char *name, struct err *err)
{
	struct name_suggestion s = { .nearest = { .wanted = name } };
	struct buf text AUTO_BUF = { 0 };
	buf_printf(&text, "there is no connector \"%s\"", name);
	for (size_t i = 0; i < c->dir_count; i++)
		scan(&c->dirs[i], offer_name, &s);
	if (s.nearest.best != NULL)
		buf_printf(&text, "; did you mean \"%s\"?", s.best);
	for (size_t i = 0; i < c->dir_count; i++)
		buf_printf(&text, "%s%s (%s)",
				   i > 0                    ? ", "
				   : s.nearest.best != NULL ? " Looked for in "
											: "; looked for in ",
				   c->dirs[i].dir, catalog_origin_name(c->dirs[i].origin));
	return err_set(err, ERR_NOT_FOUND, "%s", text.data);
}

/* A name with other characters is refused before it becomes part of a path. */
int catalog_find(struct catalog *catalog, const char *name, const struct catalog_entry **ret_entry,
				 struct err *err)
{
	if (!name_is_valid(name))
		return err_set(err, ERR_NOT_FOUND,
					   "\"%.64s\" is not a valid connector name: use lower-case letters, digits, '-' and '_'",
					   name);
	const struct catalog_entry *entry = find_entry(catalog, name);
	if (entry == NULL)
		entry = load_by_name(catalog, name);
	if (entry == NULL)
		return not_found(catalog, name, err);
	if (entry->error != NULL)
		return err_set(err, ERR_REFUSED, "the connector \"%s\" is refused: %s", name, entry->error);
	*ret_entry = entry;
	return 0;
}

/* ---- names ---- */

const char *catalog_origin_name(enum catalog_origin origin)
{
	static const char *const names[] = { "build tree", "prefix", "connectors.path" };
	return (unsigned)origin < sizeof names / sizeof *names ? names[origin] : "?";
}

const char *catalog_option_type_name(uint32_t type)
{
	static const char *const names[] = { "?",    "string", "integer", "boolean", "duration",
										 "size", "URL",    "choice",  "file",    "JSON" };
	return type < sizeof names / sizeof *names ? names[type] : names[0];
}
