/* Every option of every section, declared once. */
#include "config/option.h"

#include "config/config.h"
#include "saga/base/clock.h"

#define AT(type, member) offsetof(struct type, member)
#define SECTION(title, type, table)                                                                          \
	{ #table, title, table##_options, sizeof(table##_options) / sizeof(table##_options[0]),                  \
	  sizeof(struct type) }
#define MIB 1048576.0

static const struct config_option listen_options[] = {
	{ "intake", OPTION_ADDRESS, 0, "\"127.0.0.1:8480\"", .flags = OPTION_RESTART,
	  .help = "Address and port on which events are received, as HOST:PORT; port 0 takes any free one." },
	{ "admin", OPTION_SOCKETS, AT(config_listen, admin), "[\"unix:run/almoner.sock\"]",
	  .flags = OPTION_RESTART, .help = "Unix sockets of the admin interface, each as unix:PATH." },
	{ "intake_threads", OPTION_INTEGER, AT(config_listen, intake_threads), "2", 1, 64,
	  .flags = OPTION_RESTART, .help = "Threads that receive, verify and map events." },
	{ "public_url", OPTION_URL, AT(config_listen, public_url),
	  .help = "How platforms reach intake, such as \"https://gifts.example.org\"; for signatures over it." },
};
static const struct config_section listen_ = SECTION("Where to listen", config_listen, listen);

static const struct config_option store_options[] = {
	{ "url", OPTION_STORE, 0, "\"sqlite:data/almoner.db\"", .flags = OPTION_RESTART,
	  .help = "Where the saga log is kept, as sqlite:PATH." },
	{ "reserve", OPTION_SIZE, AT(config_store, reserve_bytes), "\"64MiB\"", MIB, 1024 * 1024 * MIB,
	  .flags = OPTION_RESTART,
	  .help = "Free disk space below which no event is accepted and no attempt starts, so that outcomes "
			  "always fit. A sixteenth more than that ends it." },
	{ "dedup_keep", OPTION_DURATION, AT(config_store, dedup_keep_ms), "\"400d\"", DAY_MS, 36500 * DAY_MS,
	  .flags = OPTION_RESTART,
	  .help = "How long an event's key is remembered to recognise the same event again." },
};
static const struct config_section store_ = SECTION("The saga log", config_store, store);

static const struct config_option log_options[] = {
	{ "format", OPTION_CHOICE, AT(config_log, format), "\"kv\"", .choices = "kv|json",
	  .help = "One line a message, as key=value or as JSON." },
	{ "level", OPTION_CHOICE, AT(config_log, level), "\"info\"", .choices = "debug|info|warning|error",
	  .help = "The least important message that is written." },
	{ "file", OPTION_PATH, AT(config_log, file), .help = "File to append to; without it, standard error." },
};
static const struct config_section log_ = SECTION("Messages of the daemon", config_log, log);

static const struct config_option limits_options[] = {
	{ "body", OPTION_SIZE, AT(config_limits, body_bytes), "\"1MiB\"", 1024, 64 * MIB,
	  .help = "Largest body of an event; a larger one is answered with 413." },
	{ "headers", OPTION_SIZE, AT(config_limits, headers_bytes), "\"32KiB\"", 4096, MIB,
	  .flags = OPTION_RESTART, .help = "Memory for one connection's request line and headers." },
	{ "connections", OPTION_INTEGER, AT(config_limits, connections), "256", 1, 65536, .flags = OPTION_RESTART,
	  .help = "Open connections per address (trusted proxies are not counted)." },
	{ "connections_total", OPTION_INTEGER, AT(config_limits, connections_total), "1024", 1, 65536,
	  .flags = OPTION_RESTART, .help = "Open connections in all." },
	{ "commit_wait", OPTION_DURATION, AT(config_limits, commit_wait_ms), "\"5s\"", 100, 60000,
	  .help = "How long a request waits for its commit before it is answered with 503." },
	{ "request_timeout", OPTION_DURATION, AT(config_limits, request_timeout_ms), "\"30s\"", 1000, 600000,
	  .help = "How long a client may take to send a request." },
	{ "queue_bytes", OPTION_SIZE, AT(config_limits, queue_bytes), "\"16MiB\"", MIB, 1024 * MIB,
	  .flags = OPTION_RESTART,
	  .help = "Bytes that may wait for their commit (never the backlog of targets); above it, 503." },
	{ "queue_records", OPTION_INTEGER, AT(config_limits, queue_records), "16384", 64, 10000000,
	  .flags = OPTION_RESTART, .help = "Records that may wait for their commit, likewise." },
	{ "quarantine_cap", OPTION_INTEGER, AT(config_limits, quarantine_cap), "10000", 1, 10000000,
	  .help = "Open quarantined events per source; above it, 503." },
};
static const struct config_section limits = SECTION("Bounds of intake", config_limits, limits);

static const struct config_option alerts_options[] = {
	{ "unverified", OPTION_INTEGER, AT(config_alerts, unverified), "5", 0, 1000000,
	  .help = "401s of a source within the window that raise the alert; 0: never." },
	{ "turned_away", OPTION_INTEGER, AT(config_alerts, turned_away), "20", 0, 1000000,
	  .help = "503s of a source within the window, likewise." },
	{ "window", OPTION_DURATION, AT(config_alerts, window_ms), "\"5m\"", 1000, DAY_MS,
	  .help = "How far back these two look; their alerts end when it holds less than a quarter." },
	{ "quarantined", OPTION_INTEGER, AT(config_alerts, quarantined), "1", 0, 1000000,
	  .help = "Open quarantined events of a source; 0: never." },
	{ "attention", OPTION_INTEGER, AT(config_alerts, attention), "1", 0, 1000000,
	  .help = "Steps of a target that need a person; 0: never." },
	{ "breaker_open", OPTION_DURATION, AT(config_alerts, breaker_open_ms), "\"5m\"", 0, 30 * DAY_MS,
	  .help = "How long a target's breaker may be away from closed." },
};
static const struct config_section alerts = SECTION("When to alert somebody", config_alerts, alerts);

static const struct config_option connectors_options[] = {
	{ "path", OPTION_PATHS, AT(config, connector_path),
	  .help = "Folders searched for connectors, besides those of the installation." },
};
static const struct config_section connectors = SECTION("Connector plugins", config, connectors);

static const struct config_option verify_options[] = {
	{ "scheme", OPTION_CHOICE, AT(config_verify, scheme), "\"none\"", .choices = "none|hmac|token",
	  .help = "hmac: a keyed digest over the raw body; token: a shared secret in a header or in the body; "
			  "none." },
	{ "header", OPTION_STRING, AT(config_verify, header),
	  .help = "hmac: header that carries the signature." },
	{ "element_separator", OPTION_STRING, AT(config_verify, element_separator),
	  .help = "hmac: cuts the header into elements; without it the whole value is one." },
	{ "key_separator", OPTION_STRING, AT(config_verify, key_separator),
	  .help =
		  "hmac: cuts an element into name and value; without it elements are named by position, from 1." },
	{ "signature_element", OPTION_STRING, AT(config_verify, signature_element),
	  .help =
		  "hmac: name of the elements that are signatures, any of which may match; without it, all are." },
	{ "timestamp_element", OPTION_STRING, AT(config_verify, timestamp_element),
	  .help = "hmac: name of the element that is the time, in seconds since 1970." },
	{ "signature_prefix", OPTION_STRING, AT(config_verify, signature_prefix),
	  .help = "hmac: stands before each signature and is taken off, such as \"sha256=\"." },
	{ "encoding", OPTION_CHOICE, AT(config_verify, encoding), "\"hex\"", .choices = "hex|base64",
	  .help = "hmac: how the signature is written." },
	{ "key", OPTION_CHOICE, AT(config_verify, key), "\"raw\"", .choices = "raw|strip|strip-base64",
	  .help = "hmac: what the secret becomes: itself; without key_prefix; without it, then decoded from "
			  "base64." },
	{ "key_prefix", OPTION_STRING, AT(config_verify, key_prefix),
	  .help = "hmac: taken off the secret where it stands, such as \"whsec_\"." },
	{ "signed_string", OPTION_STRING, AT(config_verify, signed_string), "\"{body}\"",
	  .help = "hmac: what is signed, made of {id}, {timestamp}, {url} and {body}." },
	{ "hash", OPTION_CHOICE, AT(config_verify, hash), "\"sha256\"", .choices = "sha1|sha256|sha512",
	  .help = "hmac: the digest." },
	{ "id_header", OPTION_STRING, AT(config_verify, id_header), .help = "hmac: header that carries {id}." },
	{ "timestamp_header", OPTION_STRING, AT(config_verify, timestamp_header),
	  .help = "hmac: header that carries {timestamp}." },
	{ "header_prefixes", OPTION_TEXTS, AT(config_verify, header_prefixes),
	  .help = "hmac: prefixes the headers may have; the first is the one they are written with here." },
	{ "tolerance", OPTION_DURATION, AT(config_verify, tolerance_ms), "\"5m\"", 0, DAY_MS,
	  .help = "hmac: how far a signed time may lie before or after now; 0: it is not checked." },
	{ "token_header", OPTION_STRING, AT(config_verify, token_header),
	  .help = "token: header that carries it." },
	{ "token_prefix", OPTION_STRING, AT(config_verify, token_prefix),
	  .help = "token: stands before it in the header and is taken off, such as \"Bearer \"." },
	{ "token_pointer", OPTION_STRING, AT(config_verify, token_pointer),
	  .help = "token: where it stands in the JSON body, as a JSON pointer such as \"/secret\"." },
};
static const struct config_section verify = SECTION("How requests are verified", config_verify, verify);

static const struct config_option source_options[] = {
	{ "preset", OPTION_STRING, AT(config_source, preset),
	  .help = "Settings of a known platform to start from: stripe, standard-webhooks, github, hmac, token, "
			  "none." },
	{ "verify", OPTION_VERIFY, AT(config_source, verify), .section = &verify,
	  .help = "How requests are verified: \"none\", or an object that is laid over the preset's." },
	{ "secrets", OPTION_SECRETS, 0,
	  .help = "The secrets shared with the platform; any may match, so that they can be exchanged one after "
			  "the other." },
	{ "map", OPTION_JQ, AT(config_source, map), "\".\"",
	  .help = "Makes the canonical event out of the body." },
	{ "event_id", OPTION_EVENT_ID, 0,
	  .help = "The sender's id of the event: a program over the body, or {\"header\": NAME}; else the mapped "
			  ".id." },
	{ "type_header", OPTION_STRING, AT(config_source, type_header),
	  .help = "Header that gives the event's type where the map gives none." },
	{ "dedup", OPTION_JQS, AT(config_source, dedup),
	  .help = "Programs over the body whose results together tell the same event again; without them, the "
			  "event id." },
	{ "gift", OPTION_JQ, AT(config_source, gift),
	  .help = "The name of the gift, the same in all its events: a program over the body; else the mapped "
			  ".gift." },
	{ "gift_made", OPTION_JQ, AT(config_source, gift_made),
	  .help = "Condition over the body: this event is the gift and starts its saga. Without it every event "
			  "may." },
	{ "related", OPTION_JQ, AT(config_source, related),
	  .help = "Condition over the body, asked when gift_made is false: recorded beside its gift, starts no "
			  "saga." },
	{ "answer", OPTION_INTEGER, AT(config_source, answer), "202", 200, 202,
	  .help = "Status for a new event: 202, or 200 for platforms that take nothing else." },
	{ "tolerance", OPTION_DURATION, AT(config_source, verify.tolerance_ms), NULL, 0, DAY_MS,
	  .help = "Short for verify.tolerance." },
	{ "allow_unverified", OPTION_BOOL, AT(config_source, allow_unverified), "false",
	  .help = "Take events without verification although intake listens to the network." },
	{ "keep_refused", OPTION_SIZE, AT(config_source, keep_rejected_bytes), "0", 0, 1024 * MIB,
	  .help =
		  "Room on disk for requests refused with 401, the oldest make room; `almoner refused replay` takes "
		  "them in once the secret is right. 0: none are kept." },
	{ "keep_refused_for", OPTION_DURATION, AT(config_source, keep_rejected_for_ms), "\"7d\"", 1000,
	  400 * DAY_MS, .help = "How long they are kept at most." },
	{ "paused", OPTION_BOOL, AT(config_source, paused), "false",
	  .help =
		  "Answer 503 with Retry-After for the time being; nothing is taken in. A reload sets and ends it." },
};
static const struct config_section source = SECTION("A source", config_source, source);

static const struct config_option retry_options[] = {
	{ "first", OPTION_DURATION, AT(config_retry, first_ms), "\"1s\"", 1, DAY_MS,
	  .help = "Wait before the second attempt, plus up to half of it at random." },
	{ "factor", OPTION_NUMBER, AT(config_retry, factor), "2", 1, 100, .help = "By which each wait grows." },
	{ "cap", OPTION_DURATION, AT(config_retry, cap_ms), "\"1h\"", 1, 30 * DAY_MS,
	  .help = "The longest wait." },
	{ "give_up_after", OPTION_DURATION, AT(config_retry, give_up_after_ms), "\"72h\"", 0, 3650 * DAY_MS,
	  .help = "Age at which a step goes to attention(exhausted); time held, paused or in line does not "
			  "count. 0: never." },
	{ "attempts", OPTION_INTEGER, AT(config_retry, attempts), "0", 0, 1000000,
	  .help = "Attempts after which it does; 0: no limit." },
};
static const struct config_section retry = SECTION("Trying again", config_retry, retry);

static const struct config_option breaker_options[] = {
	{ "consecutive", OPTION_INTEGER, AT(config_breaker, consecutive), "5", 1, 1000000,
	  .help = "Failures in a row that open the breaker." },
	{ "ratio", OPTION_NUMBER, AT(config_breaker, ratio), "0.5", 0.01, 1,
	  .help = "Share of failures among the last ones that opens it." },
	{ "window", OPTION_INTEGER, AT(config_breaker, window), "20", 1, 1024,
	  .help = "How many the last ones are." },
	{ "minimum", OPTION_INTEGER, AT(config_breaker, minimum), "10", 1, 1024,
	  .help = "Below so many results the share is not looked at." },
	{ "open", OPTION_DURATION, AT(config_breaker, open_ms), "\"5s\"", 10, DAY_MS,
	  .help = "How long it stays open; doubles each time a probe fails." },
	{ "open_cap", OPTION_DURATION, AT(config_breaker, open_cap_ms), "\"5m\"", 10, 30 * DAY_MS,
	  .help = "The longest it stays open." },
	{ "probes", OPTION_INTEGER, AT(config_breaker, probes), "1", 1, 64,
	  .help = "Attempts let through at once while half open." },
};
static const struct config_section breaker = SECTION("The breaker", config_breaker, breaker);

static const struct config_option hold_options[] = {
	{ "probe", OPTION_DURATION, AT(config_hold, probe_ms), "\"5m\"", 100, 30 * DAY_MS,
	  .help =
		  "A target that refused our credentials is held; so often one waiting step asks whether it takes "
		  "them again." },
};
static const struct config_section hold = SECTION("When a target is held", config_hold, hold);

static const struct config_option target_limits_options[] = {
	{ "in_flight", OPTION_INTEGER, AT(config_target_limits, in_flight), "16", 1, 1024,
	  .help = "Attempts under way at once." },
	{ "rate", OPTION_RATE, AT(config_target_limits, rate), "\"0/s\"",
	  .help = "Attempts started per time; 0/s: no limit." },
	{ "timeout", OPTION_DURATION, AT(config_target_limits, timeout_ms), "\"30s\"", 10, 3600000,
	  .help = "For one whole exchange." },
	{ "connect_timeout", OPTION_DURATION, AT(config_target_limits, connect_timeout_ms), "\"5s\"", 10, 600000,
	  .help = "For the connection alone." },
	{ "reply", OPTION_SIZE, AT(config_target_limits, reply_bytes), "\"1MiB\"", 1024, 64 * MIB,
	  .help = "How much of a reply is read." },
	{ "window", OPTION_SIZE, AT(config_target_limits, window_bytes), "\"4MiB\"", 65536, 1024 * MIB,
	  .help = "Waiting steps held in memory; the rest waits on disk." },
};
static const struct config_section target_limits =
	SECTION("Limits of a target", config_target_limits, target_limits);

static const struct config_option order_options[] = {
	{ "by", OPTION_ORDER_BY, 0,
	  .help = "Program (or several, the first with a value counts) over the canonical event that gives the "
			  "line an "
			  "event stands in; \"\": no lines. Without it .donor.id, else .donor.email in lower case." },
	{ "on_attention", OPTION_CHOICE, AT(config_order, on_attention), "\"pass\"", .choices = "pass|hold",
	  .help = "Whether later events of a line pass one that needs a person, or wait behind it." },
};
static const struct config_section order = SECTION("Order of events", config_order, order);

static const struct config_option target_options[] = {
	{ "connector", OPTION_STRING, AT(config_target, connector), .flags = OPTION_REQUIRED,
	  .help = "The plugin that knows this kind of downstream; see `almoner connector list`." },
	{ "settings", OPTION_SETTINGS, 0, "{}",
	  .help = "What the connector asks for; see `almoner connector describe NAME`." },
	{ "retry", OPTION_OBJECT, AT(config_target, retry), .section = &retry, .help = "When to try again." },
	{ "breaker", OPTION_OBJECT, AT(config_target, breaker), .section = &breaker,
	  .help = "When to leave a failing target alone." },
	{ "hold", OPTION_OBJECT, AT(config_target, hold), .section = &hold,
	  .help = "What ends the hold of a target that refuses our credentials." },
	{ "limits", OPTION_OBJECT, AT(config_target, limits), .section = &target_limits,
	  .help = "How much at once." },
	{ "order", OPTION_OBJECT, AT(config_target, order), .section = &order,
	  .help = "Which events keep their order." },
	{ "paused", OPTION_BOOL, AT(config_target, paused), "false",
	  .help = "Start no attempt for the time being." },
};
static const struct config_section target = SECTION("A target", config_target, target);

static const struct config_option match_options[] = {
	{ "source", OPTION_TEXTS, AT(config_route, sources),
	  .help = "Name of a source, several, or \"*\" for any." },
	{ "type", OPTION_TEXTS, AT(config_route, types), .help = "Pattern of types with * and ?, or several." },
	{ "where", OPTION_JQ, AT(config_route, where), .help = "Condition over the canonical event." },
};
static const struct config_section match = SECTION("Which events a route takes", config_route, match);

static const struct config_option step_options[] = {
	{ "target", OPTION_NAMES, 0, .flags = OPTION_REQUIRED, .help = "The target that does it." },
	{ "name", OPTION_STRING, AT(config_step, name), .help = "Name of the step; the target's unless given." },
	{ "after", OPTION_NAMES, 0, .help = "Names of the steps that must be done before." },
	{ "when", OPTION_JQ, AT(config_step, when),
	  .help = "Condition over the canonical event, with the results of earlier steps as .steps; else it is "
			  "skipped." },
	{ "expire", OPTION_DURATION, AT(config_step, expire_ms), NULL, 1000, 3650 * DAY_MS,
	  .help =
		  "Age of the event after which the step is not begun any more: it is skipped when its turn comes, "
		  "once its target takes steps again." },
	{ "undo", OPTION_MARK, AT(config_step, undo_none), .choices = "none",
	  .help = "\"none\": what it did may stay when the rest is undone." },
};
static const struct config_section step = SECTION("A step", config_step, step);

static const struct config_option route_options[] = {
	{ "name", OPTION_STRING, AT(config_route, name), .flags = OPTION_REQUIRED, .help = "Name of the route." },
	{ "match", OPTION_OBJECT, 0, .section = &match,
	  .help = "Which events it takes; the first route that matches counts." },
	{ "steps", OPTION_OBJECTS, 0, .section = &step, .flags = OPTION_REQUIRED,
	  .help = "What happens to them, 1 to 32 steps." },
	{ "on_failure", OPTION_CHOICE, AT(config_route, on_failure), "\"continue\"",
	  .choices = "continue|hold|compensate",
	  .help =
		  "When a step fails for good: go on with the others, start no further one, or undo what was done." },
};
static const struct config_section route = SECTION("A route", config_route, route);

static const struct config_option root_options[] = {
	{ "listen", OPTION_OBJECT, AT(config, listen), .section = &listen_, .help = "Where to listen." },
	{ "store", OPTION_OBJECT, AT(config, store), .section = &store_, .help = "The saga log." },
	{ "include", OPTION_NAMES, 0,
	  .help = "More files, as patterns; they may hold sources, targets and routes, and are read in order of "
			  "their names." },
	{ "timezone", OPTION_TIMEZONE, AT(config, timezone), "\"UTC\"",
	  .help = "Where days begin, as in \"Europe/Rome\"." },
	{ "drain", OPTION_DURATION, AT(config, drain_ms), "\"10s\"", 0, 3600000,
	  .help = "How long running attempts may take to end at shutdown." },
	{ "log", OPTION_OBJECT, AT(config, log), .section = &log_, .help = "Messages of the daemon." },
	{ "limits", OPTION_OBJECT, AT(config, limits), .section = &limits, .help = "Bounds of intake." },
	{ "alerts", OPTION_OBJECT, AT(config, alerts), .section = &alerts,
	  .help = "From where on conditions are alerts (`almoner status`)." },
	{ "trusted_proxies", OPTION_CIDRS, 0,
	  .help =
		  "Addresses or ranges whose X-Forwarded-For is believed, such as \"127.0.0.1\" or \"10.0.0.0/8\"." },
	{ "connectors", OPTION_OBJECT, 0, .section = &connectors, .help = "Connector plugins." },
	{ "sources", OPTION_OBJECTS, 0, .section = &source, .flags = OPTION_BY_NAME,
	  .help = "Where events come from, by name." },
	{ "targets", OPTION_OBJECTS, 0, .section = &target, .flags = OPTION_BY_NAME,
	  .help = "Where they go, by name." },
	{ "routes", OPTION_OBJECTS, 0, .section = &route,
	  .help = "Which events become which sagas; the first that matches counts." },
};
static const struct config_section root = SECTION("The main file", config, root);

const struct config_section *table_root(void)
{
	return &root;
}

const struct config_section *table_source(void)
{
	return &source;
}

const struct config_section *table_target(void)
{
	return &target;
}

const struct config_section *table_route(void)
{
	return &route;
}

const struct config_section *table_step(void)
{
	return &step;
}
