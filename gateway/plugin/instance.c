#include "gateway/plugin/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/plugin/action_check.h"
#include "gateway/plugin/event_names.h"
#include "gateway/plugin/settings.h"
#include "gateway/plugin/traits_check.h"
#include "saga/base/digest.h"
#include "saga/base/mem.h"

struct instance {
	const struct almoner_connector *connector;
	char *target;
	struct blackbox *box;
	struct instance_log log;
	struct almoner_host host;
	struct almoner_traits traits;
	const struct config_report *opening; /* while `open` of the connector runs, else NULL */
	char nearest[EVENT_NAMES_BYTES];     /* the last answer of host_name_known */
	uint8_t digest[DIGEST_BYTES];        /* of the settings */
	void *plugin;                        /* what the connector's `open` returned */
};

struct instance_attempt {
	void *plugin;   /* what the connector's `begin` returned */
	unsigned calls; /* of `next` */
	struct blackbox_call call;
};

/* ---- what a connector may call ---- */

static void host_log(void *ctx, uint32_t level, const char *text)
{
	const struct instance *i = ctx;
	if (i->log.line != NULL && text != NULL)
		i->log.line(i->log.ctx, level, i->target, text);
}

/* `path` with the part that is misspelt replaced. */
static void set_nearest(struct instance *i, struct str path, struct str part, const char *alike)
{
	size_t before = (size_t)(part.p - path.p);
	size_t after = path.len - before - part.len;
	snprintf(i->nearest, sizeof i->nearest, "%.*s%s%.*s", (int)before, path.p, alike, (int)after,
			 part.p + part.len);
}

/* A name that looks misspelt is a warning of `almoner check`, and the connector still hears that it is known:
 * until a source can declare the members that its map makes, the gateway cannot tell a mistake from a member
 * of the map, and a configuration that was usable must stay usable. */
static uint32_t host_name_known(void *ctx, struct almoner_text path, struct almoner_text *nearest)
{
	struct instance *i = ctx;
	struct str name = { path.p != NULL ? path.p : "", path.p != NULL ? path.len : 0 };
	struct str part;
	const char *alike = event_names_misspelt(name, &part);
	if (nearest != NULL)
		*nearest = (struct almoner_text){ NULL, 0 };
	if (alike == NULL)
		return 1;
	set_nearest(i, name, part, alike);
	if (nearest != NULL)
		*nearest = (struct almoner_text){ i->nearest, strlen(i->nearest) };
	if (i->opening != NULL) {
		char *text AUTO_FREE =
			mem_printf("a template names {{%.*s}}, which no preset makes; did you mean {{%s}}? "
					   "(A map of your own may make it.)",
					   (int)name.len, name.p, i->nearest);
		i->opening->add(i->opening->ctx, DIAG_WARNING, "", text, NULL);
	}
	return 1;
}

/* ---- opening and closing ---- */

static void set_call_target(struct blackbox_call *call, const struct instance *i)
{
	snprintf(call->target, sizeof call->target, "%s", i->target);
}

static void report_error(const struct config_report *report, const char *message)
{
	report->add(report->ctx, DIAG_ERROR, "", message, NULL);
}

/* The connector's error text may lack its NUL: the text comes from the plugin. */
static int open_plugin(struct instance *i, const char *settings, const struct config_report *report)
{
	struct almoner_error error = { .size = sizeof error };
	struct blackbox_call call = { 0 };
	set_call_target(&call, i);
	i->opening = report;
	int slot = blackbox_enter(i->box, &call);
	int rc = i->connector->open(&i->host, (struct almoner_text){ settings, strlen(settings) }, &i->plugin,
								&i->traits, &error);
	blackbox_leave(i->box, slot);
	i->opening = NULL;
	error.text[sizeof error.text - 1] = '\0';
	if (rc == 0)
		return 0;
	report_error(report, error.text[0] != '\0' ? error.text
											   : "the connector refuses the settings and gives no reason");
	return ERR_INVALID;
}

static void close_plugin(struct instance *i)
{
	struct blackbox_call call = { 0 };
	set_call_target(&call, i);
	int slot = blackbox_enter(i->box, &call);
	i->connector->close(i->plugin);
	blackbox_leave(i->box, slot);
}

static int open_and_check(struct instance *i, const char *settings, const struct config_report *report)
{
	int rc = open_plugin(i, settings, report);
	if (rc != 0)
		return rc;
	struct buf fault AUTO_BUF = { 0 };
	if (traits_check(&i->traits, &fault) == 0)
		return 0;
	char *message AUTO_FREE = mem_printf("the connector declares impossible traits: %s", fault.data);
	report_error(report, message);
	close_plugin(i);
	return ERR_INVALID;
}

static void instance_free(struct instance *i)
{
	free(i->target);
	free(i);
}

static char *take_text(json_t *settings)
{
	char *text = json_dumps(settings, JSON_COMPACT);
	assert(text != NULL); /* settings_resolve returned a valid tree */
	return text;
}

static void wipe(char *text)
{
	explicit_bzero(text, strlen(text));
	free(text);
}

/* The connector gets the settings as one JSON text. The text may hold secrets, so it is overwritten before
 * it is freed. The digest covers the values that are withheld from the connector too. */
int instance_open(const struct instance_request *request, const struct config_report *report,
				  struct instance **ret_instance)
{
	const struct almoner_connector *connector = request->connector->connector;
	json_t *resolved = settings_resolve(connector, request->settings, request->base_dir, report);
	if (resolved == NULL)
		return ERR_INVALID;
	char *text = take_text(resolved);
	struct instance *i = mem_zalloc(sizeof *i);
	*i = (struct instance){
		.connector = connector,
		.target = mem_strdup(request->target),
		.box = request->box,
		.log = request->log,
		.host = { .size = sizeof i->host, .ctx = i, .log = host_log, .name_known = host_name_known },
		.traits = { .size = sizeof i->traits }
	};
	digest_bytes(text, strlen(text), i->digest);
	if (settings_withhold(connector, resolved)) {
		wipe(text);
		text = take_text(resolved);
	}
	json_decref(resolved);
	int rc = open_and_check(i, text, report);
	wipe(text);
	if (rc == 0)
		*ret_instance = i;
	else
		instance_free(i);
	return rc;
}

void instance_close(struct instance *instance)
{
	if (instance == NULL)
		return;
	close_plugin(instance);
	instance_free(instance);
}

const struct almoner_traits *instance_traits(const struct instance *instance)
{
	return &instance->traits;
}

const uint8_t *instance_digest(const struct instance *instance)
{
	return instance->digest;
}

/* ---- the port ---- */

static void set_call_step(struct blackbox_call *call, const struct instance *i,
						  const struct almoner_step *step)
{
	call->saga = step->saga;
	call->generation = step->generation;
	call->attempt = step->attempt;
	call->purpose = step->purpose;
	snprintf(call->step, sizeof call->step, "%.*s", (int)(step->name.len & 0xFFFF),
			 step->name.p != NULL ? step->name.p : "");
	set_call_target(call, i);
}

/* A connector that fails must give a reason. If it gives none, the reason is `fallback`. */
static int fail_with_reason(struct almoner_error *error, const char *fallback)
{
	error->text[sizeof error->text - 1] = '\0';
	if (error->text[0] == '\0')
		snprintf(error->text, sizeof error->text, "%s", fallback);
	return -1;
}

/* The black box gets the step's identity here, once; port_next and port_end use it again. */
static int port_begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	struct instance *i = ctx;
	struct instance_attempt *a = mem_zalloc(sizeof *a);
	set_call_step(&a->call, i, step);
	int slot = blackbox_enter(i->box, &a->call);
	int rc = i->connector->begin(i->plugin, step, &a->plugin, error);
	blackbox_leave(i->box, slot);
	if (rc == 0) {
		*attempt = a;
		return 0;
	}
	free(a);
	return fail_with_reason(error, "the connector failed to begin and gave no reason");
}

/* The limit of calls protects against a connector that never finishes. */
static int port_next(void *ctx, void *attempt, const struct almoner_reply *reply,
					 struct almoner_action *action, struct almoner_error *error)
{
	struct instance *i = ctx;
	struct instance_attempt *a = attempt;
	if (a->calls++ == INSTANCE_CALLS_MAX) {
		snprintf(error->text, sizeof error->text, "the connector did not finish after %d requests or mails",
				 INSTANCE_CALLS_MAX);
		return -1;
	}
	*action = (struct almoner_action){ .size = sizeof *action };
	int slot = blackbox_enter(i->box, &a->call);
	int rc = i->connector->next(a->plugin, reply, action, error);
	blackbox_leave(i->box, slot);
	if (rc != 0)
		return fail_with_reason(error, "the connector failed to continue and gave no reason");
	return action_check(action, a->call.purpose, error);
}

static void port_end(void *ctx, void *attempt)
{
	struct instance *i = ctx;
	struct instance_attempt *a = attempt;
	int slot = blackbox_enter(i->box, &a->call);
	i->connector->end(a->plugin);
	blackbox_leave(i->box, slot);
	free(a);
}

struct connector_port instance_port(struct instance *instance)
{
	return (
		struct connector_port){ .ctx = instance, .begin = port_begin, .next = port_next, .end = port_end };
}

/* ---- checking a target of the configuration ---- */

/* What `almoner check` needs to know about the connector, in the types of the configuration. */
static void fill_traits(const struct catalog_entry *entry, const struct almoner_traits *t,
						struct config_traits *ret)
{
	static const char *const repeats[] = { "", "idempotent", "keyed", "queryable", "unsafe" };
	*ret = (struct config_traits){ .known = true,
								   .can_undo = (t->capabilities & ALMONER_CAN_UNDO) != 0,
								   .can_undo_nothing = (t->capabilities & ALMONER_CAN_UNDO_NOTHING) != 0,
								   .undo_idempotent = (t->capabilities & ALMONER_UNDO_IDEMPOTENT) != 0,
								   .can_look_up = (t->capabilities & ALMONER_CAN_LOOKUP) != 0,
								   .repeat_ttl_ms = (int64_t)t->repeat_ttl_ms };
	static_assert(sizeof ret->types >= TRAITS_TYPES_BYTES, "room for all types that traits_check allows");
	snprintf(ret->types, sizeof ret->types, "%s", t->types != NULL ? t->types : "");
	snprintf(ret->types_of_original, sizeof ret->types_of_original, "%s",
			 t->types_of_original != NULL ? t->types_of_original : "");
	snprintf(ret->repeat, sizeof ret->repeat, "%s", repeats[t->repeat]);
	snprintf(ret->connector_summary, sizeof ret->connector_summary, "%s %s (%s; proven: %s)",
			 entry->connector->name, entry->connector->version, catalog_origin_name(entry->origin),
			 entry->connector->proven);
}

/* Warnings about secrets come before the connector is opened, so that they are reported even if opening
 * fails. */
int instance_check_target(void *connectors, const struct config_target *target,
						  const struct config_report *report, struct config_traits *ret_traits)
{
	const struct catalog_entry *entry = NULL;
	struct err err = { 0 };
	int rc = catalog_find(connectors, target->connector, &entry, &err);
	if (rc != 0) {
		report_error(report, err.text);
		return rc;
	}
	struct instance_request request = {
		.connector = entry, .target = target->name, .settings = target->settings, .base_dir = target->base_dir
	};
	settings_warn_literals(entry->connector, target->written, report);
	struct instance *instance = NULL;
	rc = instance_open(&request, report, &instance);
	if (rc != 0)
		return rc;
	fill_traits(entry, instance_traits(instance), ret_traits);
	instance_close(instance);
	return 0;
}
