#include "gateway/plugin/load.h"

#include <dlfcn.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "gateway/plugin/catalog.h"
#include "gateway/plugin/elf_file.h"
#include "gateway/plugin/preview.h"

#define OPTIONS_MAX 256 /* a connector that declares more options is refused; chosen */

/* The sizes in version 1.0, the oldest one, and in the version that made a structure longer. */
#define SIZE_1_0        offsetof(struct almoner_connector, preview)
#define SIZE_1_2        sizeof(struct almoner_connector)
#define OPTION_SIZE_1_0 sizeof(struct almoner_option)

/* ---- the descriptor ---- */

/* Reads no member beyond those that `size` covers: an old or foreign plugin may be shorter than our
 * header. */
static int check_version(const struct almoner_connector *c, struct err *err)
{
	const size_t head = offsetof(struct almoner_connector, abi_minor) + sizeof c->abi_minor;
	if (c->size < head)
		return err_set(err, ERR_REFUSED, "size: found %u bytes, wanted at least %zu", c->size, head);
	if (c->abi_major != ALMONER_ABI_MAJOR)
		return err_set(err, ERR_REFUSED,
					   "abi_major: found %u, wanted %u; rebuild the connector with this gateway's header",
					   c->abi_major, ALMONER_ABI_MAJOR);
	if (c->abi_minor > ALMONER_ABI_MINOR)
		return err_set(err, ERR_REFUSED,
					   "abi_minor: found %u.%u, wanted at most %u.%u; the connector needs a newer gateway",
					   c->abi_major, c->abi_minor, ALMONER_ABI_MAJOR, ALMONER_ABI_MINOR);
	size_t wanted = c->abi_minor >= 2 ? SIZE_1_2 : SIZE_1_0;
	if (c->size < wanted)
		return err_set(err, ERR_REFUSED, "size: found %u bytes, wanted at least %zu for version %u.%u",
					   c->size, wanted, c->abi_major, c->abi_minor);
	return 0;
}

/* The name must be that of the file, because the configuration names the file. */
static int check_texts(const struct almoner_connector *c, const char *name, struct err *err)
{
	const struct {
		const char *field;
		const char *value;
	} texts[] = {
		{ "name", c->name }, { "version", c->version }, { "summary", c->summary }, { "proven", c->proven }
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].value == NULL)
			return err_set(err, ERR_REFUSED, "%s: found nothing, wanted a text", texts[i].field);
	if (strcmp(c->name, name) != 0)
		return err_set(err, ERR_REFUSED, "name: found \"%s\", wanted \"%s\", the name of the file", c->name,
					   name);
	return 0;
}

/* Undo and look-up have no function of their own, so all five are required. */
static int check_functions(const struct almoner_connector *c, struct err *err)
{
	const struct {
		const char *field;
		bool present;
	} functions[] = { { "open", c->open != NULL },
					  { "close", c->close != NULL },
					  { "begin", c->begin != NULL },
					  { "next", c->next != NULL },
					  { "end", c->end != NULL } };
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (!functions[i].present)
			return err_set(err, ERR_REFUSED, "%s: found no function, wanted one", functions[i].field);
	return 0;
}

/* ---- its options ---- */

const struct almoner_option *catalog_option(const struct almoner_connector *connector, size_t index)
{
	assert(index < connector->option_count);
	/* The plugin's options may be longer than ours, so its own size is the distance between them. */
	const char *at = (const char *)connector->options + index * connector->option_size;
	return (const struct almoner_option *)(const void *)at;
}

bool catalog_option_withheld(const struct almoner_connector *connector, const struct almoner_option *option)
{
	return connector->abi_minor >= 2 && option->secret == ALMONER_SECRET_WITHHELD;
}

static bool is_json(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	bool good = value != NULL;
	json_decref(value);
	return good;
}

/* A broken default would otherwise show only when a target uses it. */
static int check_option(const struct almoner_connector *c, size_t index, struct err *err)
{
	const struct almoner_option *o = catalog_option(c, index);
	if (o->name == NULL || *o->name == '\0' || strpbrk(o->name, "/~\"") != NULL)
		return err_set(err, ERR_REFUSED, "options[%zu].name: found nothing usable, wanted a name", index);
	if (o->type < ALMONER_OPTION_STRING || o->type > ALMONER_OPTION_JSON)
		return err_set(err, ERR_REFUSED, "options[%zu].type (%s): found %u, wanted %u to %u", index, o->name,
					   o->type, ALMONER_OPTION_STRING, ALMONER_OPTION_JSON);
	if (c->abi_minor >= 2 && o->secret > ALMONER_SECRET_WITHHELD)
		return err_set(err, ERR_REFUSED, "options[%zu].secret (%s): found %u, wanted 0 to %u", index, o->name,
					   o->secret, ALMONER_SECRET_WITHHELD);
	if (o->help == NULL)
		return err_set(err, ERR_REFUSED, "options[%zu].help (%s): found nothing, wanted a sentence", index,
					   o->name);
	if (o->type == ALMONER_OPTION_CHOICE && (o->choices == NULL || *o->choices == '\0'))
		return err_set(err, ERR_REFUSED, "options[%zu].choices (%s): found nothing, wanted \"a|b\"", index,
					   o->name);
	if (o->fallback != NULL && !is_json(o->fallback))
		return err_set(err, ERR_REFUSED, "options[%zu].fallback (%s): found \"%s\", wanted JSON", index,
					   o->name, o->fallback);
	return 0;
}

/* option_size is checked before any option is read: it is the distance between them. */
static int check_options(const struct almoner_connector *c, struct err *err)
{
	if (c->option_count > OPTIONS_MAX)
		return err_set(err, ERR_REFUSED, "option_count: found %zu, wanted at most %d", c->option_count,
					   OPTIONS_MAX);
	if (c->option_count == 0)
		return 0;
	if (c->options == NULL)
		return err_set(err, ERR_REFUSED, "options: found nothing, wanted %zu of them", c->option_count);
	if (c->option_size < OPTION_SIZE_1_0 || c->option_size % _Alignof(struct almoner_option) != 0)
		return err_set(err, ERR_REFUSED, "option_size: found %zu bytes, wanted at least %zu", c->option_size,
					   OPTION_SIZE_1_0);
	for (size_t i = 0; i < c->option_count; i++) {
		int rc = check_option(c, i, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

const char *catalog_preview(const struct almoner_connector *connector)
{
	return ALMONER_HAS(connector, almoner_connector, preview) ? connector->preview : NULL;
}

/* A broken preview would otherwise show only when it is used. */
static int check_preview(const struct almoner_connector *c, struct err *err)
{
	const char *text = catalog_preview(c);
	for (uint32_t purpose = ALMONER_DO; text != NULL && purpose <= ALMONER_LOOKUP; purpose++) {
		struct preview preview = { 0 };
		if (preview_read(text, purpose, &preview, err) != 0)
			return ERR_REFUSED;
		preview_free(&preview);
	}
	return 0;
}

/* The version comes first: it says which members exist. */
static int negotiate(const struct almoner_connector *connector, const char *name, struct err *err)
{
	int rc = check_version(connector, err);
	if (rc == 0)
		rc = check_texts(connector, name, err);
	if (rc == 0)
		rc = check_functions(connector, err);
	if (rc == 0)
		rc = check_options(connector, err);
	return rc == 0 ? check_preview(connector, err) : rc;
}

/* ---- the file ---- */

typedef const struct almoner_connector *(*entry_point)(void);

/* ISO C cannot convert an object pointer to a function pointer, but POSIX promises that both have the same
 * form. */
static entry_point find_entry(void *handle)
{
	void *symbol = dlsym(handle, "almoner_connector");
	entry_point entry = NULL;
	static_assert(sizeof entry == sizeof symbol, "dlsym cannot work here");
	memcpy(&entry, &symbol, sizeof entry);
	return entry;
}

static int negotiate_entry(void *handle, const char *name, const struct almoner_connector **ret_connector,
						   struct err *err)
{
	entry_point entry = find_entry(handle);
	if (entry == NULL)
		return err_set(err, ERR_REFUSED, "symbol: found no almoner_connector, wanted that function exported");
	const struct almoner_connector *connector = entry();
	if (connector == NULL)
		return err_set(err, ERR_REFUSED, "almoner_connector(): found NULL, wanted a descriptor");
	int rc = negotiate(connector, name, err);
	if (rc == 0)
		*ret_connector = connector;
	return rc;
}

/* RTLD_NOW: a missing symbol is reported here and not by a crash later. RTLD_LOCAL: plugins do not see
 * each other. */
int load_connector(const char *file, const char *name, const struct almoner_connector **ret_connector,
				   struct err *err)
{
	if (elf_file_check(file, err) != 0)
		return err_wrap(err, ERR_REFUSED, "%s", file);
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		const char *why = dlerror();
		return err_set(err, ERR_REFUSED, "%s: cannot be loaded: %s", file,
					   why != NULL ? why : "no reason given");
	}
	int rc = negotiate_entry(handle, name, ret_connector, err);
	if (rc == 0)
		return 0;
	dlclose(handle);
	return err_wrap(err, rc, "%s", file);
}
