#include "gateway/plugin/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/locate.h"
#include "config/nearest.h"
#include "config/units.h"
#include "gateway/plugin/catalog.h"
#include "gateway/plugin/instance.h"
#include "saga/base/buf.h"
#include "saga/base/mem.h"

/* One call of settings_resolve. */
struct settings_context {
	const struct almoner_connector *connector;
	const char *base_dir;
	const struct config_report *report;
	json_t *resolved;
	unsigned faults;
};

/* ---- reporting ---- */

static void fault(struct settings_context *c, const char *name, const char *message, const char *expected)
{
	struct buf pointer AUTO_BUF = { 0 };
	locate_append(&pointer, name);
	c->faults++;
	c->report->add(c->report->ctx, DIAG_ERROR, pointer.data, message, expected);
}

static const char *type_of(const json_t *value)
{
	static const char *const kinds[] = { "an object", "a list", "text",  "a whole number",
										 "a number",  "true",   "false", "null" };
	return kinds[json_typeof(value)];
}

/* Reports the type of the value, never the value itself: it may be a secret in the wrong place. */
static json_t *wrong_type(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	char message[64];
	snprintf(message, sizeof message, "is %s", type_of(value));
	fault(c, o->name, message, catalog_option_type_name(o->type));
	return NULL;
}

/* ---- one function for each type ---- */

/* All resolve_* functions return a new reference, or NULL after a report. */

static json_t *resolve_string(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	return json_is_string(value) ? json_deep_copy(value) : wrong_type(c, o, value);
}

static json_t *resolve_integer(struct settings_context *c, const struct almoner_option *o,
							   const json_t *value)
{
	return json_is_integer(value) ? json_deep_copy(value) : wrong_type(c, o, value);
}

static json_t *resolve_boolean(struct settings_context *c, const struct almoner_option *o,
							   const json_t *value)
{
	return json_is_boolean(value) ? json_deep_copy(value) : wrong_type(c, o, value);
}

static json_t *resolve_json(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	(void)c;
	(void)o;
	return json_deep_copy(value);
}

static json_t *resolve_duration(struct settings_context *c, const struct almoner_option *o,
								const json_t *value)
{
	int64_t ms = 0;
	if (json_is_string(value) && units_duration(json_string_value(value), &ms) == 0)
		return json_integer(ms);
	fault(c, o->name, "the value is not a duration", UNITS_DURATION_FORM);
	return NULL;
}

static json_t *resolve_bytes(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	int64_t bytes = 0;
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return json_deep_copy(value);
	if (json_is_string(value) && units_size(json_string_value(value), &bytes) == 0)
		return json_integer(bytes);
	fault(c, o->name, "the value is not a size", UNITS_SIZE_FORM);
	return NULL;
}

static json_t *resolve_url(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	static const char *const schemes[] = { "http://", "https://", "smtp://", "smtps://" };
	const char *url = json_string_value(value);
	for (size_t i = 0; url != NULL && i < sizeof schemes / sizeof *schemes; i++) {
		size_t len = strlen(schemes[i]);
		if (strncasecmp(url, schemes[i], len) == 0 && strcspn(url + len, "/?#") > 0)
			return json_deep_copy(value);
	}
	fault(c, o->name, "the value is not an absolute URL",
		  "a URL that begins with http://, https://, smtp:// or smtps://");
	return NULL;
}

/* Whether `text` is one of the choices, which are separated by '|'. Offers each choice to `n` as a
 * suggestion; `n` points into `candidates` afterwards. */
static bool is_choice(const char *choices, const char *text, struct nearest *n, struct buf *candidates)
{
	while (*choices != '\0') {
		size_t len = strcspn(choices, "|");
		size_t at = candidates->len;
		buf_add(candidates, choices, len);
		buf_byte(candidates, 0);
		if (strcmp(candidates->data + at, text) == 0)
			return true;
		nearest_offer(n, candidates->data + at);
		choices += len + (choices[len] == '|' ? 1 : 0);
	}
	return false;
}

/* Only a choice that is no secret is quoted in the report. */
static json_t *resolve_choice(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	const char *text = json_string_value(value);
	if (text == NULL)
		return wrong_type(c, o, value);
	struct nearest n = { .wanted = text };
	struct buf candidates AUTO_BUF = { 0 };
	struct buf message AUTO_BUF = { 0 };
	struct buf expected AUTO_BUF = { 0 };
	/* `n` keeps pointers into the buffer, so it must not move: it is allocated in its final size. */
	candidates.data = mem_alloc(strlen(o->choices) + 2);
	candidates.capacity = strlen(o->choices) + 2;
	if (is_choice(o->choices, text, &n, &candidates))
		return json_deep_copy(value);
	buf_printf(&message,
			   o->secret != 0 ? "the value is not one of the choices" : "\"%.60s\" is not one of the choices",
			   text);
	if (n.best != NULL && o->secret == 0)
		buf_printf(&message, "; did you mean \"%s\"?", n.best);
	buf_printf(&expected, "one of %s", o->choices);
	fault(c, o->name, message.data, expected.data);
	return NULL;
}

/* ---- files ---- */

/* Appends the file's bytes to `to`, up to its limit. Returns an error text, or NULL. */
static const char *read_file(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strerrordesc_np(errno);
	char chunk[8192];
	ssize_t got = 0;
	while ((got = read(fd, chunk, sizeof chunk)) > 0 && !to->overflow)
		buf_add(to, chunk, (size_t)got);
	const char *why = got < 0 ? strerrordesc_np(errno) : to->overflow ? "larger than 1 MiB" : NULL;
	close(fd);
	return why;
}

/* The connector gets the file's contents as a JSON string, so they must be UTF-8 without NUL. */
static json_t *resolve_file(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	const char *name = json_string_value(value);
	if (name == NULL)
		return wrong_type(c, o, value);
	bool relative = *name != '/' && c->base_dir != NULL && *c->base_dir != '\0';
	char *path AUTO_FREE = relative ? mem_printf("%s/%s", c->base_dir, name) : mem_strdup(name);
	struct buf contents AUTO_BUF = { .limit_bytes = INSTANCE_FILE_CAP_BYTES };
	struct buf message AUTO_BUF = { 0 };
	const char *why = read_file(path, &contents);
	json_t *text = NULL;
	if (why == NULL && contents.len > 0 && memchr(contents.data, '\0', contents.len) != NULL)
		why = "the file contains a NUL byte";
	if (why == NULL)
		text = json_stringn(buf_str(&contents).p, contents.len);
	if (text != NULL)
		return text;
	buf_printf(&message, "file %s: %s", path, why != NULL ? why : "it is not UTF-8");
	fault(c, o->name, message.data, "a readable text file of at most 1 MiB");
	return NULL;
}

/* ---- all options ---- */

static json_t *resolve_value(struct settings_context *c, const struct almoner_option *o, const json_t *value)
{
	static json_t *(*const by_type[])(struct settings_context *, const struct almoner_option *,
									  const json_t *) = {
		[ALMONER_OPTION_STRING] = resolve_string,   [ALMONER_OPTION_INTEGER] = resolve_integer,
		[ALMONER_OPTION_BOOLEAN] = resolve_boolean, [ALMONER_OPTION_DURATION] = resolve_duration,
		[ALMONER_OPTION_BYTES] = resolve_bytes,     [ALMONER_OPTION_URL] = resolve_url,
		[ALMONER_OPTION_CHOICE] = resolve_choice,   [ALMONER_OPTION_FILE] = resolve_file,
		[ALMONER_OPTION_JSON] = resolve_json,
	};
	return by_type[o->type](c, o, value);
}

/* A default is resolved like a written value: it may be a duration or a size. */
static void resolve_option(struct settings_context *c, const struct almoner_option *o, const json_t *settings)
{
	const json_t *value = json_object_get(settings, o->name);
	json_t *resolved_value = NULL;
	if (value != NULL) {
		resolved_value = resolve_value(c, o, value);
	} else if (o->fallback != NULL) {
		json_t *fallback = json_loads(o->fallback, JSON_DECODE_ANY, NULL);
		resolved_value = resolve_value(c, o, fallback);
		json_decref(fallback);
	} else if (o->required != 0) {
		fault(c, o->name, "is missing", o->help);
	}
	if (resolved_value != NULL)
		json_object_set_new(c->resolved, o->name, resolved_value);
}

static const struct almoner_option *option_named(const struct almoner_connector *connector, const char *name)
{
	for (size_t i = 0; i < connector->option_count; i++)
		if (strcmp(catalog_option(connector, i)->name, name) == 0)
			return catalog_option(connector, i);
	return NULL;
}

static void report_unknown(struct settings_context *c, const char *key)
{
	struct nearest n = { .wanted = key };
	struct buf message AUTO_BUF = { 0 };
	for (size_t i = 0; i < c->connector->option_count; i++)
		nearest_offer(&n, catalog_option(c->connector, i)->name);
	buf_printf(&message, "the %s connector has no option \"%.60s\"", c->connector->name, key);
	if (n.best != NULL)
		buf_printf(&message, "; did you mean \"%s\"?", n.best);
	else
		buf_printf(&message, "; `almoner connector describe %s` lists them", c->connector->name);
	fault(c, key, message.data, NULL);
}

/* Continues after an error, so that the operator sees all errors at once. */
json_t *settings_resolve(const struct almoner_connector *connector, const json_t *settings,
						 const char *base_dir, const struct config_report *report)
{
	struct settings_context c = { .connector = connector, .base_dir = base_dir, .report = report };
	if (!json_is_object(settings)) {
		report->add(report->ctx, DIAG_ERROR, "", "the settings are not an object", "an object");
		return NULL;
	}
	c.resolved = json_object();
	/* json_object_foreach takes a non-const object, hence the shallow copy. */
	json_t *copy = json_copy((json_t *)(uintptr_t)settings);
	const char *key = NULL;
	json_t *value = NULL;
	json_object_foreach(copy, key, value)
	{
		if (option_named(connector, key) == NULL)
			report_unknown(&c, key);
	}
	json_decref(copy);
	for (size_t i = 0; i < connector->option_count; i++)
		resolve_option(&c, catalog_option(connector, i), settings);
	if (c.faults == 0)
		return c.resolved;
	json_decref(c.resolved);
	return NULL;
}

bool settings_withhold(const struct almoner_connector *connector, json_t *resolved)
{
	bool any = false;
	for (size_t i = 0; i < connector->option_count; i++) {
		const struct almoner_option *o = catalog_option(connector, i);
		if (!catalog_option_withheld(connector, o) || json_object_get(resolved, o->name) == NULL)
			continue;
		json_object_set_new(resolved, o->name, json_string(o->name));
		any = true;
	}
	return any;
}

void settings_warn_literals(const struct almoner_connector *connector, const json_t *written,
							const struct config_report *report)
{
	for (size_t i = 0; i < connector->option_count; i++) {
		const struct almoner_option *o = catalog_option(connector, i);
		if (o->secret == 0 || !json_is_string(json_object_get(written, o->name)))
			continue;
		struct buf pointer AUTO_BUF = { 0 };
		locate_append(&pointer, o->name);
		report->add(report->ctx, DIAG_WARNING, pointer.data, "the secret is written literally in the file",
					"{\"$env\": \"NAME\"} or {\"$file\": \"PATH\"}");
	}
}
