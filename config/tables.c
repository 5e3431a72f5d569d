/* The options of every section. Parser, schema, manual and comparison all read these tables. */
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
	  .help = "Address and port that receive events, as HOST:PORT. Port 0 means any free port." },
	{ "admin", OPTION_SOCKETS, AT(config_listen, admin), "[\"unix:run/almoner.sock\"]",
	  .flags = OPTION_RESTART, .help = "Unix sockets of the admin interface, each written as unix:PATH." },
	{ "intake_threads", OPTION_INTEGER, AT(config_listen, intake_threads), "2", 1, 64,
	  .flags = OPTION_RESTART, .help = "Number of threads that receive, verify and map events." },
	{ "public_url", OPTION_URL, AT(config_listen, public_url),
	  .help = "The URL under which platforms reach intake, such as \"https://gifts.example.org\". "
			  "Needed for platforms that sign the URL." },
};
static const struct config_section listen_ = SECTION("Listening", config_listen, listen);

static const struct config_option store_options[] = {
	{ "url", OPTION_STORE, 0, "\"sqlite:data/almoner.db\"", .flags = OPTION_RESTART,
	  .help = "The file of the saga log, as sqlite:PATH." },
	{ "reserve", OPTION_SIZE, AT(config_store, reserve_bytes), "\"64MiB\"", MIB, 1024 * 1024 * MIB,
	  .flags = OPTION_RESTART,
	  .help = "When less disk space than this is free, no event is accepted and no attempt starts, "
			  "so that the outcomes of running attempts can always be stored. Work continues when "
			  "a sixteenth more than this is free." },
	{ "dedup_keep", OPTION_DURATION, AT(config_store, dedup_keep_ms), "\"400d\"", DAY_MS, 36500 * DAY_MS,
	  .flags = OPTION_RESTART,
	  .help = "How long the key of an event is kept, so that the same event is recognised when it "
			  "arrives again." },
};
static const struct config_section store_ = SECTION("The saga log", config_store, store);

static const struct config_option log_options[] = {
	{ "format", OPTION_CHOICE, AT(config_log, format), "\"kv\"", .choices = "kv|json",
	  .help = "Format of a message, one line each: key=value pairs or JSON." },
	{ "level", OPTION_CHOICE, AT(config_log, level), "\"info\"", .choices = "debug|info|warning|error",
	  .help = "Messages of this level and of more important levels are written." },
	{ "file", OPTION_PATH, AT(config_log, file),
	  .help = "File to which messages are appended. Default: standard error." },
};
static const struct config_section log_ = SECTION("Messages of the daemon", config_log, log);

static const struct config_option limits_options[] = {
	{ "body", OPTION_SIZE, AT(config_limits, body_bytes), "\"1MiB\"", 1024, 64 * MIB,
	  .help = "Largest body of an event. A larger body is answered with 413." },
	{ "headers", OPTION_SIZE, AT(config_limits, headers_bytes), "\"32KiB\"", 4096, MIB,
	  .flags = OPTION_RESTART, .help = "Memory for the request line and the headers of one connection." },
	{ "connections", OPTION_INTEGER, AT(config_limits, connections), "256", 1, 65536, .flags = OPTION_RESTART,
	  .help = "Most open connections per client address. Connections from trusted proxies are not "
			  "counted." },
	{ "connections_total", OPTION_INTEGER, AT(config_limits, connections_total), "1024", 1, 65536,
	  .flags = OPTION_RESTART, .help = "Most open connections of all clients together." },
	{ "commit_wait", OPTION_DURATION, AT(config_limits, commit_wait_ms), "\"5s\"", 100, 60000,
	  .help = "How long a request waits until its event is on disk. After this time it is answered "
			  "with 503." },
	{ "request_timeout", OPTION_DURATION, AT(config_limits, request_timeout_ms), "\"30s\"", 1000, 600000,
	  .help = "How long a client may take to send a complete request." },
	{ "queue_bytes", OPTION_SIZE, AT(config_limits, queue_bytes), "\"16MiB\"", MIB, 1024 * MIB,
	  .flags = OPTION_RESTART,
	  .help = "Most bytes of events that wait to be written to disk (the backlogs of targets do "
			  "not count). When it is reached, requests are answered with 503." },
	{ "queue_records", OPTION_INTEGER, AT(config_limits, queue_records), "16384", 64, 10000000,
	  .flags = OPTION_RESTART,
	  .help = "Most log records that wait to be written to disk. When it is reached, requests are "
			  "answered with 503." },
	{ "quarantine_cap", OPTION_INTEGER, AT(config_limits, quarantine_cap), "10000", 1, 10000000,
	  .help = "Most open quarantined events per source. When it is reached, requests of the source "
			  "are answered with 503." },
};
static const struct config_section limits = SECTION("Limits of intake", config_limits, limits);

static const struct config_option alerts_options[] = {
	{ "unverified", OPTION_INTEGER, AT(config_alerts, unverified), "5", 0, 1000000,
	  .help = "Number of requests of a source answered with 401 within the window that raises an "
			  "alert. 0: no such alert." },
	{ "turned_away", OPTION_INTEGER, AT(config_alerts, turned_away), "20", 0, 1000000,
	  .help = "Number of requests of a source answered with 503 within the window that raises an "
			  "alert. 0: no such alert." },
	{ "window", OPTION_DURATION, AT(config_alerts, window_ms), "\"5m\"", 1000, DAY_MS,
	  .help = "Length of the window for unverified and turned_away. Their alerts end when the "
			  "window holds less than a quarter of the number." },
	{ "quarantined", OPTION_INTEGER, AT(config_alerts, quarantined), "1", 0, 1000000,
	  .help = "Number of open quarantined events of a source that raises an alert. 0: no such "
			  "alert." },
	{ "attention", OPTION_INTEGER, AT(config_alerts, attention), "1", 0, 1000000,
	  .help = "Number of steps of a target in attention (they need an operator) that raises an "
			  "alert. 0: no such alert." },
	{ "breaker_open", OPTION_DURATION, AT(config_alerts, breaker_open_ms), "\"5m\"", 0, 30 * DAY_MS,
	  .help = "How long the breaker of a target may be open or half-open before an alert is raised." },
};
static const struct config_section alerts = SECTION("Thresholds of alerts", config_alerts, alerts);

static const struct config_option connectors_options[] = {
	{ "path", OPTION_PATHS, AT(config, connector_path),
	  .help = "Folders that are searched for connectors, in addition to the folders of the "
			  "installation." },
};
static const struct config_section connectors = SECTION("Connector plugins", config, connectors);

static const struct config_option verify_options[] = {
	{ "scheme", OPTION_CHOICE, AT(config_verify, scheme), "\"none\"", .choices = "none|hmac|token",
	  .help = "hmac: a keyed digest over the raw body. token: a shared secret in a header or in "
			  "the body. none: no verification." },
	{ "header", OPTION_STRING, AT(config_verify, header),
	  .help = "hmac: name of the header that contains the signature." },
	{ "element_separator", OPTION_STRING, AT(config_verify, element_separator),
	  .help = "hmac: text that separates the elements of the header. Without it the whole value is "
			  "one element." },
	{ "key_separator", OPTION_STRING, AT(config_verify, key_separator),
	  .help = "hmac: text that separates the name of an element from its value. Without it the "
			  "name of an element is its position, from 1." },
	{ "signature_element", OPTION_STRING, AT(config_verify, signature_element),
	  .help = "hmac: name of the elements that are signatures. One matching signature is enough. "
			  "Without it every element is a signature." },
	{ "timestamp_element", OPTION_STRING, AT(config_verify, timestamp_element),
	  .help = "hmac: name of the element that is the time of signing, in seconds since 1970." },
	{ "signature_prefix", OPTION_STRING, AT(config_verify, signature_prefix),
	  .help = "hmac: text that every signature must begin with, such as \"sha256=\". It is removed "
			  "before the comparison." },
	{ "encoding", OPTION_CHOICE, AT(config_verify, encoding), "\"hex\"", .choices = "hex|base64",
	  .help = "hmac: encoding of the signature." },
	{ "key", OPTION_CHOICE, AT(config_verify, key), "\"raw\"", .choices = "raw|strip|strip-base64",
	  .help = "hmac: how the secret becomes the key. raw: unchanged. strip: key_prefix is removed. "
			  "strip-base64: key_prefix is removed and the rest decoded from base64." },
	{ "key_prefix", OPTION_STRING, AT(config_verify, key_prefix),
	  .help = "hmac: prefix to remove from a secret that begins with it, such as \"whsec_\"." },
	{ "signed_string", OPTION_STRING, AT(config_verify, signed_string), "\"{body}\"",
	  .help = "hmac: the text that is signed, built from {id}, {timestamp}, {url} and {body}." },
	{ "hash", OPTION_CHOICE, AT(config_verify, hash), "\"sha256\"", .choices = "sha1|sha256|sha512",
	  .help = "hmac: the hash function." },
	{ "id_header", OPTION_STRING, AT(config_verify, id_header),
	  .help = "hmac: name of the header that contains {id}." },
	{ "timestamp_header", OPTION_STRING, AT(config_verify, timestamp_header),
	  .help = "hmac: name of the header that contains {timestamp}." },
	{ "header_prefixes", OPTION_TEXTS, AT(config_verify, header_prefixes),
	  .help = "hmac: prefixes that the names of the headers may have. The options above use the "
			  "first prefix; when these headers are missing, the other prefixes are tried." },
	{ "tolerance", OPTION_DURATION, AT(config_verify, tolerance_ms), "\"5m\"", 0, DAY_MS,
	  .help = "hmac: the largest difference between a signed time and now, before or after. 0: the "
			  "time is not checked." },
	{ "token_header", OPTION_STRING, AT(config_verify, token_header),
	  .help = "token: name of the header that contains the token." },
	{ "token_prefix", OPTION_STRING, AT(config_verify, token_prefix),
	  .help = "token: text that the value of the header must begin with, such as \"Bearer \". It "
			  "is removed before the comparison." },
	{ "token_pointer", OPTION_STRING, AT(config_verify, token_pointer),
	  .help = "token: place of the token in the JSON body, as a JSON pointer such as \"/secret\"." },
};
static const struct config_section verify = SECTION("How requests are verified", config_verify, verify);

static const struct config_option source_options[] = {
	{ "preset", OPTION_STRING, AT(config_source, preset),
	  .help = "Settings of a known platform, which the other options of the source change: stripe, "
			  "standard-webhooks, github, hmac, token, none." },
	{ "verify", OPTION_VERIFY, AT(config_source, verify), .section = &verify,
	  .help = "How requests are verified: \"none\", or an object whose members replace those of "
			  "the preset." },
	{ "secrets", OPTION_SECRETS, 0,
	  .help = "The secrets shared with the platform. One matching secret is enough, so a new "
			  "secret can be added before the old one is removed." },
	{ "map", OPTION_JQ, AT(config_source, map), "\".\"",
	  .help = "Program that computes the canonical event from the body." },
	{ "event_id", OPTION_EVENT_ID, 0,
	  .help = "The sender's id of the event: a program over the body, or {\"header\": NAME}. "
			  "Default: .id of the canonical event." },
	{ "type_header", OPTION_STRING, AT(config_source, type_header),
	  .help = "Header whose value is the type of the event when the map gives no type." },
	{ "dedup", OPTION_JQS, AT(config_source, dedup),
	  .help = "Programs over the body. Two events with equal results are the same event. Default: "
			  "the event id." },
	{ "gift", OPTION_JQ, AT(config_source, gift),
	  .help = "Program over the body for the name of the gift, which is the same in all events of "
			  "the gift. Default: .gift of the canonical event." },
	{ "gift_made", OPTION_JQ, AT(config_source, gift_made),
	  .help = "Condition over the body: true for the event that is the gift and starts its saga. "
			  "Without it every event may start a saga." },
	{ "related", OPTION_JQ, AT(config_source, related),
	  .help = "Condition over the body, evaluated when gift_made is false: true for an event that "
			  "is recorded with its gift and starts no saga." },
	{ "answer", OPTION_INTEGER, AT(config_source, answer), "202", 200, 202,
	  .help = "HTTP status for a new event: 202, or 200 for platforms that accept no other status." },
	{ "tolerance", OPTION_DURATION, AT(config_source, verify.tolerance_ms), NULL, 0, DAY_MS,
	  .help = "Short form of verify.tolerance." },
	{ "allow_unverified", OPTION_BOOL, AT(config_source, allow_unverified), "false",
	  .help = "Accept events without verification although intake listens on a network address." },
	{ "keep_refused", OPTION_SIZE, AT(config_source, keep_rejected_bytes), "0", 0, 1024 * MIB,
	  .help = "Disk space for requests that were answered with 401. When it is full, the oldest "
			  "are deleted. After the secret is corrected, `almoner refused replay` verifies them "
			  "again and accepts them. 0: none are kept." },
	{ "keep_refused_for", OPTION_DURATION, AT(config_source, keep_rejected_for_ms), "\"7d\"", 1000,
	  400 * DAY_MS, .help = "How long a request answered with 401 is kept." },
	{ "paused", OPTION_BOOL, AT(config_source, paused), "false",
	  .help = "While true, requests of the source are answered with 503 and Retry-After, and no "
			  "event is accepted. Change it with a reload." },
};
static const struct config_section source = SECTION("A source", config_source, source);

static const struct config_option retry_options[] = {
	{ "first", OPTION_DURATION, AT(config_retry, first_ms), "\"1s\"", 1, DAY_MS,
	  .help = "Wait before the second attempt. Every wait is extended by a random part of up to "
			  "half of its length." },
	{ "factor", OPTION_NUMBER, AT(config_retry, factor), "2", 1, 100,
	  .help = "Factor by which each wait is longer than the wait before." },
	{ "cap", OPTION_DURATION, AT(config_retry, cap_ms), "\"1h\"", 1, 30 * DAY_MS,
	  .help = "The longest wait, without the random part." },
	{ "give_up_after", OPTION_DURATION, AT(config_retry, give_up_after_ms), "\"72h\"", 0, 3650 * DAY_MS,
	  .help = "Age at which a step that keeps failing goes to attention(exhausted). Time while the "
			  "step is held, paused or waiting in its lane does not count. 0: never." },
	{ "attempts", OPTION_INTEGER, AT(config_retry, attempts), "0", 0, 1000000,
	  .help = "Number of attempts after which a step goes to attention(exhausted). 0: no limit." },
};
static const struct config_section retry = SECTION("Retrying", config_retry, retry);

static const struct config_option breaker_options[] = {
	{ "consecutive", OPTION_INTEGER, AT(config_breaker, consecutive), "5", 1, 1000000,
	  .help = "Number of failures in a row that opens the breaker." },
	{ "ratio", OPTION_NUMBER, AT(config_breaker, ratio), "0.5", 0.01, 1,
	  .help = "Share of failures among the last results that opens the breaker; window is the "
			  "number of these results." },
	{ "window", OPTION_INTEGER, AT(config_breaker, window), "20", 1, 1024,
	  .help = "Number of last results for ratio." },
	{ "minimum", OPTION_INTEGER, AT(config_breaker, minimum), "10", 1, 1024,
	  .help = "With fewer results than this, ratio is not applied." },
	{ "open", OPTION_DURATION, AT(config_breaker, open_ms), "\"5s\"", 10, DAY_MS,
	  .help = "How long the breaker stays open. The time doubles each time a probe fails." },
	{ "open_cap", OPTION_DURATION, AT(config_breaker, open_cap_ms), "\"5m\"", 10, 30 * DAY_MS,
	  .help = "The longest time that the breaker stays open before the next probe." },
	{ "probes", OPTION_INTEGER, AT(config_breaker, probes), "1", 1, 64,
	  .help = "Number of attempts that run at the same time while the breaker is half-open." },
};
static const struct config_section breaker = SECTION("The breaker", config_breaker, breaker);

static const struct config_option hold_options[] = {
	{ "probe", OPTION_DURATION, AT(config_hold, probe_ms), "\"5m\"", 100, 30 * DAY_MS,
	  .help = "A target that rejects the gateway's credentials is held. In this interval one "
			  "waiting step is sent as a probe, to find out whether the target accepts the "
			  "credentials again." },
};
static const struct config_section hold = SECTION("Ending a hold", config_hold, hold);

static const struct config_option target_limits_options[] = {
	{ "in_flight", OPTION_INTEGER, AT(config_target_limits, in_flight), "16", 1, 1024,
	  .help = "Most attempts that run at the same time." },
	{ "rate", OPTION_RATE, AT(config_target_limits, rate), "\"0/s\"",
	  .help = "Most attempts that start in a span of time, such as \"50/s\". 0/s: no limit." },
	{ "timeout", OPTION_DURATION, AT(config_target_limits, timeout_ms), "\"30s\"", 10, 3600000,
	  .help = "Time limit of one exchange (request and reply)." },
	{ "connect_timeout", OPTION_DURATION, AT(config_target_limits, connect_timeout_ms), "\"5s\"", 10, 600000,
	  .help = "Time limit for establishing the connection." },
	{ "reply", OPTION_SIZE, AT(config_target_limits, reply_bytes), "\"1MiB\"", 1024, 64 * MIB,
	  .help = "Most bytes of a reply that are read." },
	{ "window", OPTION_SIZE, AT(config_target_limits, window_bytes), "\"4MiB\"", 65536, 1024 * MIB,
	  .help = "Memory for waiting steps. Further steps wait on disk." },
};
static const struct config_section target_limits =
	SECTION("Limits of a target", config_target_limits, target_limits);

static const struct config_option order_options[] = {
	{ "by", OPTION_ORDER_BY, 0,
	  .help = "Program over the canonical event for the ordering key, or several programs, of "
			  "which the first with a value counts. Events with the same key reach the target one "
			  "after the other (they form a lane). \"\": no order. Default: .donor.id, else "
			  ".donor.email in lower case." },
	{ "on_attention", OPTION_CHOICE, AT(config_order, on_attention), "\"pass\"", .choices = "pass|hold",
	  .help = "What later events with the same ordering key do while a step is in attention. pass: "
			  "they overtake it. hold: they wait until an operator has decided." },
};
static const struct config_section order = SECTION("Order of events", config_order, order);

static const struct config_option target_options[] = {
	{ "connector", OPTION_STRING, AT(config_target, connector), .flags = OPTION_REQUIRED,
	  .help = "The connector plugin that delivers to this kind of system; see `almoner connector "
			  "list`." },
	{ "settings", OPTION_SETTINGS, 0, "{}",
	  .help = "The options of the connector; see `almoner connector describe NAME`." },
	{ "retry", OPTION_OBJECT, AT(config_target, retry), .section = &retry,
	  .help = "When a failed step is tried again." },
	{ "breaker", OPTION_OBJECT, AT(config_target, breaker), .section = &breaker,
	  .help = "When no attempts start because the target fails." },
	{ "hold", OPTION_OBJECT, AT(config_target, hold), .section = &hold,
	  .help = "How a hold ends that began when the target rejected the gateway's credentials." },
	{ "limits", OPTION_OBJECT, AT(config_target, limits), .section = &target_limits,
	  .help = "Limits of load and time." },
	{ "order", OPTION_OBJECT, AT(config_target, order), .section = &order,
	  .help = "Which events reach the target in the order in which they were accepted." },
	{ "paused", OPTION_BOOL, AT(config_target, paused), "false",
	  .help = "While true, no attempt starts at this target." },
};
static const struct config_section target = SECTION("A target", config_target, target);

static const struct config_option match_options[] = {
	{ "source", OPTION_TEXTS, AT(config_route, sources),
	  .help = "Name of a source, or several names; \"*\": any source." },
	{ "type", OPTION_TEXTS, AT(config_route, types),
	  .help = "Pattern of event types with * and ?, or several patterns." },
	{ "where", OPTION_JQ, AT(config_route, where), .help = "Condition over the canonical event." },
};
static const struct config_section match = SECTION("Which events a route takes", config_route, match);

static const struct config_option step_options[] = {
	{ "target", OPTION_NAMES, 0, .flags = OPTION_REQUIRED,
	  .help = "Name of the target that executes the step." },
	{ "name", OPTION_STRING, AT(config_step, name),
	  .help = "Name of the step. Default: the name of its target." },
	{ "after", OPTION_NAMES, 0, .help = "Names of the steps that must end before this step starts." },
	{ "when", OPTION_JQ, AT(config_step, when),
	  .help = "Condition over the canonical event, which holds the results of earlier steps in "
			  ".steps. When it is false, the step is skipped." },
	{ "expire", OPTION_DURATION, AT(config_step, expire_ms), NULL, 1000, 3650 * DAY_MS,
	  .help = "Age of the event after which the step no longer starts. The step is skipped at the "
			  "moment when it could start, so not while its target is held, paused or behind an "
			  "open breaker." },
	{ "undo", OPTION_MARK, AT(config_step, undo_none), .choices = "none",
	  .help = "\"none\": the effect of this step may stay when the other steps are undone." },
};
static const struct config_section step = SECTION("A step", config_step, step);

static const struct config_option route_options[] = {
	{ "name", OPTION_STRING, AT(config_route, name), .flags = OPTION_REQUIRED, .help = "Name of the route." },
	{ "match", OPTION_OBJECT, 0, .section = &match,
	  .help = "Which events the route takes. The first matching route takes an event." },
	{ "steps", OPTION_OBJECTS, 0, .section = &step, .flags = OPTION_REQUIRED,
	  .help = "The 1 to 32 steps of the sagas of this route." },
	{ "on_failure", OPTION_CHOICE, AT(config_route, on_failure), "\"continue\"",
	  .choices = "continue|hold|compensate",
	  .help = "What happens when a step fails finally. continue: the other steps continue. hold: "
			  "no further step starts. compensate: the steps that succeeded are undone." },
};
static const struct config_section route = SECTION("A route", config_route, route);

static const struct config_option root_options[] = {
	{ "listen", OPTION_OBJECT, AT(config, listen), .section = &listen_,
	  .help = "Addresses and sockets that the daemon listens on." },
	{ "store", OPTION_OBJECT, AT(config, store), .section = &store_,
	  .help = "Where and how the saga log is stored." },
	{ "include", OPTION_NAMES, 0,
	  .help = "Patterns of further files, which are read in the order of their names. They may "
			  "contain sources, targets and routes." },
	{ "timezone", OPTION_TIMEZONE, AT(config, timezone), "\"UTC\"",
	  .help = "Time zone in which days begin, such as \"Europe/Rome\"." },
	{ "drain", OPTION_DURATION, AT(config, drain_ms), "\"10s\"", 0, 3600000,
	  .help = "How long the daemon waits for running attempts when it stops." },
	{ "log", OPTION_OBJECT, AT(config, log), .section = &log_, .help = "Messages that the daemon writes." },
	{ "limits", OPTION_OBJECT, AT(config, limits), .section = &limits, .help = "Limits of intake." },
	{ "alerts", OPTION_OBJECT, AT(config, alerts), .section = &alerts,
	  .help = "Thresholds of alerts, which `almoner status` shows." },
	{ "trusted_proxies", OPTION_CIDRS, 0,
	  .help = "Addresses or ranges of proxies whose X-Forwarded-For header is trusted, such as "
			  "\"127.0.0.1\" or \"10.0.0.0/8\"." },
	{ "connectors", OPTION_OBJECT, 0, .section = &connectors,
	  .help = "Where connector plugins are searched." },
	{ "sources", OPTION_OBJECTS, 0, .section = &source, .flags = OPTION_BY_NAME,
	  .help = "The sources of events, by name." },
	{ "targets", OPTION_OBJECTS, 0, .section = &target, .flags = OPTION_BY_NAME,
	  .help = "The targets of steps, by name." },
	{ "routes", OPTION_OBJECTS, 0, .section = &route,
	  .help = "The routes: which events become which sagas. The first matching route takes an "
			  "event." },
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
