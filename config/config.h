/* The configuration as the rest of the gateway sees it: one immutable, reference-counted snapshot, read
 * from JSON and checked as a whole. Everything is resolved: defaults are filled in, durations are in
 * milliseconds, sizes in bytes, paths absolute or relative to the working directory, secrets are read,
 * names of targets are indexes. Texts are owned by the snapshot. config/README.md describes the files;
 * gateway/DESIGN.md "Configuration" gives the reasons. */
#ifndef ALMONER_CONFIG_CONFIG_H
#define ALMONER_CONFIG_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/diagnostics.h"
#include "saga/base/buf.h"
#include "saga/base/check.h"
#include "saga/base/digest.h"
#include "saga/base/err.h"

#define CONFIG_STEPS_MAX 32 /* the largest number of steps of a route: `after` is a bit mask of 32 bits */

/* ---- small parts ---- */

/* A list of texts. */
struct config_list {
	char **items;
	size_t count;
};

/* `count` attempts in `per_ms` milliseconds; count 0: no limit. */
struct config_rate {
	uint32_t count;
	int64_t per_ms;
};

/* The bytes of a secret, which are never printed. `origin` says where it was read and may be printed
 * ("$env STRIPE_WEBHOOK_SECRET"). */
struct config_secret {
	char *value; /* NUL-terminated at value[len] */
	size_t len;
	char *origin;
};

/* An address range. An IPv4 address is in the first four bytes of addr. */
struct config_cidr {
	int family; /* AF_INET or AF_INET6 */
	uint8_t addr[16];
	uint8_t bits;
};

/* ---- sections of the main file ---- */

struct config_listen {
	char *host;    /* a name or an address, without brackets */
	uint16_t port; /* 0: any free port */
	bool loopback; /* the host is a loopback address or "localhost" */
	/* the URL of the gateway for {url}: "https://gifts.example.org"; NULL: not set */
	char *public_url;
	struct config_list admin; /* paths of unix sockets */
	int64_t intake_threads;
};

struct config_store {
	char *path; /* of the SQLite file */
	int64_t reserve_bytes;
	int64_t dedup_keep_ms;
};

enum config_log_format { CONFIG_LOG_KV, CONFIG_LOG_JSON };
enum config_log_level { CONFIG_LOG_DEBUG, CONFIG_LOG_INFO, CONFIG_LOG_WARNING, CONFIG_LOG_ERROR };

struct config_log {
	enum config_log_format format;
	enum config_log_level level;
	char *file; /* NULL: standard error */
};

/* Limits of intake. */
struct config_limits {
	int64_t body_bytes;
	int64_t headers_bytes;
	int64_t connections; /* per address */
	int64_t connections_total;
	int64_t commit_wait_ms;
	int64_t request_timeout_ms;
	/* memory for events that wait for their commit; the backlogs of targets do not count */
	int64_t queue_bytes;
	int64_t queue_records;  /* log records that wait for their commit */
	int64_t quarantine_cap; /* open quarantined events per source */
};

/* Thresholds of alerts; 0 in a count: no such alert. */
struct config_alerts {
	int64_t unverified;  /* answers 401 of a source in the window */
	int64_t turned_away; /* answers 503 of a source in the window */
	int64_t window_ms;
	int64_t quarantined;     /* open quarantined events of a source */
	int64_t attention;       /* steps of a target in attention */
	int64_t breaker_open_ms; /* how long a target's breaker was not closed */
};

/* ---- sources ---- */

enum verify_scheme { VERIFY_NONE, VERIFY_HMAC, VERIFY_TOKEN };
enum verify_encoding { VERIFY_HEX, VERIFY_BASE64 };
enum verify_key {
	VERIFY_KEY_RAW,         /* the bytes of the secret, unchanged */
	VERIFY_KEY_STRIP,       /* the secret without `key_prefix`, if it begins with it */
	VERIFY_KEY_STRIP_BASE64 /* the secret without `key_prefix`, decoded from base64 */
};
enum verify_hash { VERIFY_SHA1, VERIFY_SHA256, VERIFY_SHA512 };

/* How a request proves that it comes from its platform. Texts that do not apply are NULL.
 *
 * VERIFY_HMAC. The value of `header` is split at each `element_separator` (NULL: the whole value is one
 * element). With `key_separator` an element is a name and a value, split at its first key_separator;
 * without it the name of an element is its position, counted from "1". Elements named `signature_element`
 * are signatures (NULL: every element is one); one signature that matches is enough. The element named
 * `timestamp_element` is the time. Other elements are ignored. Each signature must begin with
 * `signature_prefix` ("sha256="), which is removed. The signed string is `signed_string` with {id}
 * {timestamp} {url} {body} replaced: by the value of `id_header`, by the timestamp element or
 * `timestamp_header`, by the public URL, and by the raw body. `header_prefixes`: when the headers are
 * missing, the first prefix in their names is replaced by the next one (webhook-signature →
 * svix-signature). All three header names get the same prefix.
 *
 * VERIFY_TOKEN. The request contains one of the secrets, in `token_header` (after `token_prefix`, which is
 * required and compared without case: "Bearer ") or in the JSON body at `token_pointer`. */
struct config_verify {
	enum verify_scheme scheme;
	char *header;
	char *element_separator;
	char *key_separator;
	char *signature_element;
	char *timestamp_element;
	char *signature_prefix;
	enum verify_encoding encoding;
	enum verify_key key;
	char *key_prefix;
	char *signed_string; /* default "{body}" */
	enum verify_hash hash;
	char *id_header;
	char *timestamp_header;
	struct config_list header_prefixes;
	int64_t tolerance_ms; /* largest distance of a signed time from now, before or after; 0: not checked */
	char *token_header;
	char *token_prefix;
	char *token_pointer; /* JSON pointer */
};

/* The programs are jq programs as text, checked by hooks->compile. Their input is the parsed body. */
struct config_source {
	char *name;   /* intake receives its events at /in/NAME */
	char *preset; /* NULL: none */
	struct config_verify verify;
	struct config_secret *secrets;
	size_t secret_count;
	char *map; /* body → canonical event; never NULL, "." by default */
	/* jq program: the sender's id of the event; NULL: `.id` of the canonical event */
	char *event_id;
	/* the header that has the event's id, instead of `event_id`; it becomes `.id` when the map gives none */
	char *event_id_header;
	/* the header whose text becomes `.type` when the map gives none; NULL: no header */
	char *type_header;
	struct config_list dedup; /* programs whose joined results are the dedup key; empty: the event id */
	char *gift;               /* stable name of the gift; NULL: `.gift` of the canonical event */
	/* Condition: this event is the gift itself and starts its saga; NULL: every event may start one. If it
	 * is true and the map gave a type outside donation.*, the type becomes donation.created. */
	char *gift_made;
	char *related;  /* condition, evaluated when gift_made is false: the event starts no saga */
	int64_t answer; /* 202, or 200 for platforms that accept no other status */
	bool allow_unverified;
	int64_t keep_rejected_bytes;  /* disk space for rejected requests (not verified); 0: none are kept */
	int64_t keep_rejected_for_ms; /* how long a rejected request is kept */
	bool paused;                  /* requests are answered with 503 */
	/* digest of the source's settings above, with secrets: a changed source has another */
	uint8_t digest[DIGEST_BYTES];
};

/* ---- targets ---- */

struct config_retry {
	int64_t first_ms;
	double factor;
	int64_t cap_ms;
	int64_t give_up_after_ms; /* 0: no limit by age */
	int64_t attempts;         /* 0: no limit by count */
};

struct config_breaker {
	int64_t consecutive;
	double ratio;
	int64_t window;
	int64_t minimum;
	int64_t open_ms;
	int64_t open_cap_ms;
	int64_t probes;
};

struct config_hold {
	int64_t probe_ms; /* interval of the probes of a target that rejected its credentials */
};

struct config_target_limits {
	int64_t in_flight;
	struct config_rate rate;
	int64_t timeout_ms; /* one exchange */
	int64_t connect_timeout_ms;
	int64_t reply_bytes;
	int64_t window_bytes; /* memory of the engine for waiting steps */
};

enum config_on_attention { CONFIG_ATTENTION_PASS, CONFIG_ATTENTION_HOLD };

/* The ordering key of an event: the value of the first program in `by` that gives one (the input of the
 * programs is the canonical event). `standard`: the option was not written; the key is `.donor.id`, else
 * `.donor.email` in lower case, and `by` is empty. `by` empty without `standard`: no order. */
struct config_order {
	bool standard;
	struct config_list by;
	enum config_on_attention on_attention;
};

/* What the connector of a target reports after it has checked the settings. */
struct config_traits {
	bool known; /* the connector was loaded and accepted the settings */
	bool can_undo;
	bool can_undo_nothing;
	bool undo_idempotent; /* an undo may be repeated, also when `repeat` forbids it for the do */
	bool can_look_up;
	char repeat[16]; /* "idempotent", "keyed", "queryable", "unsafe" */
	/* the types of events that the target takes, separated by blanks; "": all types. The second list counts
	 * besides for events about an earlier gift */
	char types[512];
	char types_of_original[512];
	int64_t repeat_ttl_ms; /* for "keyed": how long the target remembers a key */
	/* a line about the connector for `almoner check`: version, origin, level of proof; may be "" */
	char connector_summary[160];
};

struct config_target {
	char *name;
	char *connector;
	/* the settings, an object; $env and $file replaced, comments removed; holds secrets: never print it */
	json_t *settings;
	json_t *written; /* the settings as written: each reference is still an object */
	char *file;      /* that configures the target */
	char *base_dir;  /* the folder of the file that has the settings: relative paths in them start here */
	struct config_retry retry;
	struct config_breaker breaker;
	struct config_hold hold;
	struct config_target_limits limits;
	struct config_order order;
	bool paused;
	struct config_traits traits;  /* filled by hooks->check_target */
	uint8_t digest[DIGEST_BYTES]; /* digest of the target, as in struct config_source, without the traits */
};

/* ---- routes ---- */

enum config_on_failure { CONFIG_FAILURE_CONTINUE, CONFIG_FAILURE_HOLD, CONFIG_FAILURE_COMPENSATE };

struct config_step {
	char *name;        /* the name of the step; by default the name of the target */
	size_t target;     /* index into config->targets */
	char *when;        /* jq condition over the canonical event with `.steps`; NULL: always run the step */
	int64_t expire_ms; /* age of the event at which the step expires; 0: never */
	uint32_t after;    /* bit i: this step waits for step i of the same route */
	bool undo_none;    /* "undo": "none" was written: the effect may stay when the other steps are undone */
};

struct config_route {
	char *name;
	struct config_list sources; /* empty: any */
	struct config_list types;   /* globs with * and ?; empty: any */
	/* jq condition over the canonical event: the route takes the event; NULL: every event */
	char *where;
	struct config_step *steps;
	size_t step_count; /* 1 … CONFIG_STEPS_MAX; every step follows the steps that it waits for */
	enum config_on_failure on_failure;
	uint8_t digest[DIGEST_BYTES]; /* of the route as written */
};

/* ---- the whole ---- */

struct config {
	char *path;               /* of the main file */
	struct config_list files; /* every file read: main, included, presets, jq and secret files */
	struct config_listen listen;
	struct config_store store;
	char *timezone;
	int64_t drain_ms;
	struct config_log log;
	struct config_limits limits;
	struct config_alerts alerts;
	struct config_cidr *trusted_proxies;
	size_t trusted_proxy_count;
	struct config_list connector_path;
	struct config_source *sources;
	size_t source_count;
	struct config_target *targets;
	size_t target_count;
	struct config_route *routes;
	size_t route_count;
	/* digest of the whole configuration without secrets; identifies the configuration in the log */
	uint8_t digest[DIGEST_BYTES];
	unsigned references; /* atomic; used by config_ref and config_unref only */
};

/* ---- reading ---- */

/* The environment variables that the configuration has read. config_forget_secrets removes them from the
 * environment; this struct keeps them for the next reload. Thread: one at a time. */
struct config_env;
struct config_env *config_env_create(void);
void config_env_destroy(struct config_env *env); /* wipes the values; accepts NULL */
/* Removes every variable that was read through `env` from the environment. Call it before the first thread
 * starts: the environment is not protected against other threads. */
void config_forget_secrets(struct config_env *env);

/* Given to check_target to report what it finds. `pointer` is relative to the settings of the target:
 * "/url", or "" for the settings as a whole. `expected` may be NULL. All texts are copied. */
struct config_report {
	void *ctx;
	void (*add)(void *ctx, enum diag_severity severity, const char *pointer, const char *message,
				const char *expected);
};

/* What the gateway contributes to loading. A function that is NULL is not called, and its check is left
 * out. */
struct config_hooks {
	void *ctx;
	struct config_env *env; /* NULL: the environment is read, and nothing is kept */
	const char *preset_dir; /* searched first for presets; NULL: only the usual places */
	/* For commands that only need the paths of store and socket: secrets and files that are missing, or
	 * that this user may not read, are warnings instead of errors. The daemon must not run with such a
	 * snapshot. */
	bool lenient;
	/* Called once, before any target is checked, with connectors.path of the main file. `path` is
	 * borrowed. */
	void (*connector_path)(void *ctx, const struct config_list *path);
	/* Compiles a jq program. 0, or ERR_* with the text of the error. */
	int (*compile)(void *ctx, const char *program, struct err *err);
	/* Loads the connector of the target and lets it check the settings. 0 with the traits when the target
	 * is usable; else ERR_*, after at least one report. */
	int (*check_target)(void *ctx, const struct config_target *target, const struct config_report *report,
						struct config_traits *ret_traits);
};

/* Reads, checks and resolves everything. 0: *ret_config is a snapshot with one reference. ERR_INVALID, or
 * ERR_NOT_FOUND when there is no main file: at least one error is in `found`. Warnings are possible in
 * both cases. `found` must be initialised; `hooks` may be NULL. Thread: any, while no thread changes the
 * environment. */
int config_load(const char *path, const struct config_hooks *hooks, struct config **ret_config,
				struct diagnostics *found) MUST_CHECK;

struct config *config_ref(struct config *config); /* returns `config`. Thread: any */
/* Drops a reference; the last one frees the configuration and wipes its secrets. Accepts NULL. Thread:
 * any. */
void config_unref(struct config *config);

/* The index of the source, target or route with this name, or -1. */
int config_find_source(const struct config *config, struct str name);
int config_find_target(const struct config *config, struct str name);
int config_find_route(const struct config *config, struct str name);

/* The words for these enum values in files and in output. Static texts. */
const char *config_on_failure_name(enum config_on_failure value);
const char *config_log_level_name(enum config_log_level value);
const char *config_verify_scheme_name(enum verify_scheme value);

/* ---- comparing ---- */

enum config_change_kind { CONFIG_ADDED, CONFIG_REMOVED, CONFIG_CHANGED };
enum config_subject { CONFIG_OPTION, CONFIG_SOURCE, CONFIG_TARGET, CONFIG_ROUTE };

struct config_change {
	enum config_change_kind kind;
	enum config_subject subject;
	/* the name of the source, target or route that changed; for an option its JSON pointer */
	char *name;
	bool needs_restart; /* the option cannot change while the daemon runs: the reload must be rejected */
};

struct config_changes {
	struct config_change *items;
	size_t count;
	size_t needs_restart; /* number of items with needs_restart */
};

/* Lists what a reload from `before` to `after` changes; *ret_changes is the caller's to
 * config_changes_finish. */
void config_diff(const struct config *before, const struct config *after, struct config_changes *ret_changes);
void config_changes_finish(struct config_changes *changes);
#define AUTO_CONFIG_CHANGES __attribute__((cleanup(config_changes_finish)))

/* ---- printing, and what a route takes ---- */

/* Appends a description of a configuration without errors, as `almoner check` prints it: sources with
 * address and verification, routes as trees of steps, targets with connector, retry and limits. Contains
 * no secrets. */
void config_print(const struct config *config, struct buf *to);

/* True if `source` and `type` of the route match this event. The caller evaluates `where` with jq. */
bool config_route_takes(const struct config_route *route, struct str source, struct str type);

/* ---- shipped files ---- */

/* The path of a shipped file ("presets/stripe.json", "examples/almoner.json"), in the build tree or in the
 * share directory under the prefix of the running program. The caller's to free(); NULL when there is no
 * such file. */
char *config_find_shipped(const char *name) MUST_CHECK;

#endif
