/* A description of the configuration, for `almoner check`. */
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "config/units.h"
#include "saga/base/mem.h"

static void add_duration(struct buf *to, int64_t ms)
{
	char text[UNITS_TEXT_BYTES];

	units_duration_text(ms, text);
	buf_text(to, text);
}

static void add_size(struct buf *to, int64_t bytes)
{
	char text[UNITS_TEXT_BYTES];

	units_size_text(bytes, text);
	buf_text(to, text);
}

static void add_list(struct buf *to, const struct config_list *list, const char *none)
{
	if (list->count == 0)
		buf_text(to, none);
	for (size_t i = 0; i < list->count; i++)
		buf_printf(to, "%s%s", i == 0 ? "" : ", ", list->items[i]);
}

static void add_plural(struct buf *to, size_t count, const char *word)
{
	buf_printf(to, "%zu %s%s", count, word, count == 1 ? "" : "s");
}

/* ---- the daemon ---- */

static void print_listen(const struct config *config, struct buf *to)
{
	const struct config_listen *listen = &config->listen;
	bool v6 = strchr(listen->host, ':') != NULL;

	buf_printf(to, "intake   http://%s%s%s:%u", v6 ? "[" : "", listen->host, v6 ? "]" : "",
			   (unsigned)listen->port);
	if (listen->public_url != NULL)
		buf_printf(to, ", public URL %s", listen->public_url);
	buf_text(to, "\nadmin    ");
	add_list(to, &listen->admin, "none");
	buf_printf(to, "\nstore    %s, keeps ", config->store.path);
	add_size(to, config->store.reserve_bytes);
	buf_text(to, " of disk space free, recognises repeated events for ");
	add_duration(to, config->store.dedup_keep_ms);
	buf_byte(to, '\n');
}

/* ---- sources ---- */

/* Prints the number of secrets, never a secret. The tolerance is printed only where a time is signed. */
static void print_verify(const struct config_source *source, struct buf *to)
{
	static const char *const hashes[] = { "sha1", "sha256", "sha512" };
	const struct config_verify *verify = &source->verify;

	switch (verify->scheme) {
	case VERIFY_NONE:
		buf_text(to, "not verified");
		return;
	case VERIFY_HMAC:
		buf_printf(to, "hmac %s over %s in %s", hashes[verify->hash], verify->signed_string, verify->header);
		break;
	case VERIFY_TOKEN:
		buf_printf(to, "token in %s",
				   verify->token_header != NULL ? verify->token_header : verify->token_pointer);
		break;
	}
	buf_text(to, ", ");
	add_plural(to, source->secret_count, "secret");
	if (verify->scheme == VERIFY_HMAC && strstr(verify->signed_string, "{timestamp}") != NULL) {
		buf_text(to, ", signed within ");
		add_duration(to, verify->tolerance_ms);
	}
}

static void print_source(const struct config *config, const struct config_source *source, struct buf *to)
{
	const char *origin = config->listen.public_url;

	buf_printf(to, "  %-14s POST %s/in/%s", source->name, origin == NULL ? "" : origin, source->name);
	buf_text(to, "\n                 ");
	print_verify(source, to);
	if (source->preset != NULL)
		buf_printf(to, " (preset %s)", source->preset);
	if (source->gift_made != NULL)
		buf_text(to, "; one saga per gift");
	if (source->paused)
		buf_text(to, "; paused");
	buf_byte(to, '\n');
}

/* ---- routes ---- */

/* In the tree a step is below the last step that it waits for. */
static int parent_of(const struct config_step *step)
{
	return step->after == 0 ? -1 : 31 - __builtin_clz(step->after);
}

static void print_also_after(const struct config_route *route, const struct config_step *step, struct buf *to)
{
	const char *before = " (also after ";

	for (int i = 0; i < parent_of(step); i++) {
		if ((step->after >> i & 1) == 0)
			continue;
		buf_printf(to, "%s%s", before, route->steps[i].name);
		before = ", ";
	}
	if (before[0] == ',')
		buf_byte(to, ')');
}

/* One line per step: only what differs from the default is printed. */
static void print_step(const struct config *config, const struct config_route *route,
					   const struct config_step *step, struct buf *to)
{
	const char *target = config->targets[step->target].name;

	buf_text(to, step->name);
	if (strcmp(step->name, target) != 0)
		buf_printf(to, " → %s", target);
	print_also_after(route, step, to);
	if (step->when != NULL)
		buf_printf(to, ", when %s", step->when);
	if (step->expire_ms > 0) {
		buf_text(to, ", not after ");
		add_duration(to, step->expire_ms);
	}
	if (step->undo_none)
		buf_text(to, ", stays when other steps are undone");
	buf_byte(to, '\n');
}

static int next_child(const struct config_route *route, int parent, size_t from)
{
	for (size_t i = from; i < route->step_count; i++) {
		if (parent_of(&route->steps[i]) == parent)
			return (int)i;
	}
	return -1;
}

/* Prints the steps below `parent` in the tree, recursively: at most as deep as the route has steps. */
static void print_children(const struct config *config, const struct config_route *route, int parent,
						   struct buf *indent, struct buf *to)
{
	int child = next_child(route, parent, 0);

	while (child >= 0) {
		int next = next_child(route, parent, (size_t)child + 1);
		size_t mark = indent->len;

		buf_printf(to, "%s%s ", indent->data, next < 0 ? "└─" : "├─");
		print_step(config, route, &route->steps[child], to);
		buf_text(indent, next < 0 ? "   " : "│  ");
		print_children(config, route, child, indent, to);
		indent->len = mark;
		indent->data[mark] = '\0';
		child = next;
	}
}

static void print_route(const struct config *config, const struct config_route *route, struct buf *to)
{
	AUTO_BUF struct buf indent = { 0 };

	buf_printf(to, "  %s: ", route->name);
	add_list(to, &route->types, "everything");
	buf_text(to, " from ");
	add_list(to, &route->sources, "any source");
	if (route->where != NULL)
		buf_printf(to, ", where %s", route->where);
	buf_printf(to, "; on failure %s\n", config_on_failure_name(route->on_failure));
	buf_text(&indent, "    ");
	print_children(config, route, -1, &indent, to);
}

/* ---- targets ---- */

static void print_retry(const struct config_retry *retry, struct buf *to)
{
	buf_text(to, "retried after ");
	add_duration(to, retry->first_ms);
	buf_printf(to, " ×%g up to ", retry->factor);
	add_duration(to, retry->cap_ms);
	if (retry->attempts > 0)
		buf_printf(to, ", at most %lld times", (long long)retry->attempts);
	buf_text(to, retry->give_up_after_ms == 0 ? ", without a limit of age" : ", for ");
	if (retry->give_up_after_ms > 0)
		add_duration(to, retry->give_up_after_ms);
}

/* Limits with their defaults, so that the operator sees what applies. */
static void print_target_limits(const struct config_target_limits *limits, struct buf *to)
{
	char rate[UNITS_TEXT_BYTES];

	units_rate_text(limits->rate, rate);
	buf_printf(to, "%lld in flight", (long long)limits->in_flight);
	if (limits->rate.count > 0)
		buf_printf(to, ", %s", rate);
	buf_text(to, ", ");
	add_duration(to, limits->timeout_ms);
	buf_text(to, " for each exchange");
}

static void print_order(const struct config_order *order, struct buf *to)
{
	if (!order->standard && order->by.count == 0) {
		buf_text(to, "no order of events");
		return;
	}
	buf_text(to, "in order by ");
	if (order->standard)
		buf_text(to, "donor");
	else
		add_list(to, &order->by, "");
	buf_text(to, order->on_attention == CONFIG_ATTENTION_PASS
					 ? ""
					 : ", later events wait behind a step in attention");
}

static void print_traits(const struct config_target *target, struct buf *to)
{
	const struct config_traits *traits = &target->traits;

	buf_printf(to, "  %-14s connector %s", target->name, target->connector);
	if (traits->known) {
		buf_printf(to, ": %s%s%s", traits->repeat, traits->can_undo ? ", can undo" : ", cannot undo",
				   traits->can_look_up ? ", can look up results" : "");
		if (traits->types[0] != '\0')
			buf_printf(to, ", takes %s", traits->types);
		if (traits->types_of_original[0] != '\0')
			buf_printf(to, ", and %s of an earlier gift", traits->types_of_original);
		if (traits->connector_summary[0] != '\0')
			buf_printf(to, " (%s)", traits->connector_summary);
	}
	buf_text(to, target->paused ? "; paused\n" : "\n");
}

static void print_target(const struct config_target *target, struct buf *to)
{
	static const char margin[] = "                 ";

	print_traits(target, to);
	buf_text(to, margin);
	print_retry(&target->retry, to);
	buf_printf(to, "\n%s", margin);
	print_target_limits(&target->limits, to);
	buf_text(to, "; ");
	print_order(&target->order, to);
	buf_byte(to, '\n');
}

void config_print(const struct config *config, struct buf *to)
{
	print_listen(config, to);
	buf_text(to, "\nsources\n");
	for (size_t i = 0; i < config->source_count; i++)
		print_source(config, &config->sources[i], to);
	buf_text(to, "\nroutes (the first that matches takes the event)\n");
	for (size_t i = 0; i < config->route_count; i++)
		print_route(config, &config->routes[i], to);
	buf_text(to, "\ntargets\n");
	for (size_t i = 0; i < config->target_count; i++)
		print_target(&config->targets[i], to);
}
