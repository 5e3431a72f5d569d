/* The configuration as the rest of the gateway sees it: one immutable, reference-counted snapshot, read
 * from JSON and checked as a whole. Everything is resolved: defaults filled in, durations in milliseconds,
 * sizes in bytes, paths absolute or relative to the working directory, secrets read, names turned into
 * indexes. The shape of the files is told in config/README.md. */
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

#define CONFIG_STEPS_MAX 32

/* ---- small parts ---- */

/* A list of texts. */
struct config_list {
	char **items;
	size_t count;
};

/* `count` things every `per_ms`; count 0 is "no limit". */
struct config_rate {
	uint32_t count;
	int64_t per_ms;
};

/* A secret's bytes. Never printed; `origin` may be ("$env STRIPE_WEBHOOK_SECRET"). */
struct config_secret {
	char *value; /* NUL-terminated at value[len] */
	size_t len;
	char *origin;
};

/* An address range; IPv4 in the first four bytes. */
struct config_cidr {
	int family; /* AF_INET or AF_INET6 */
	uint8_t addr[16];
	uint8_t bits;
};

/* ---- sections of the main file ---- */

struct config_listen {
	char *host;       /* a name or an address, without brackets */
	uint16_t port;    /* 0: any free port */
	bool loopback;    /* the host is a loopback address or "localhost" */
	char *public_url; /* as the outside reaches us ("https://gifts.example.org"), for {url}; NULL: not said */
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

/* Bounds of intake. */
struct config_limits {
	int64_t body_bytes;
	int64_t headers_bytes;
	int64_t connections; /* per address */
	int64_t connections_total;
	int64_t commit_wait_ms;
	int64_t request_timeout_ms;
	int64_t queue_bytes;    /* waiting for their commit, never the backlog */
	int64_t queue_records;  /* likewise */
	int64_t quarantine_cap; /* open quarantined events per source */
};

/* When somebody should hear of something; 0 in a count: never. */
struct config_alerts {
	int64_t unverified;  /* 401s of a source in the window */
	int64_t turned_away; /* 503s, likewise */
	int64_t window_ms;
	int64_t quarantined;     /* open ones of a source */
	int64_t attention;       /* steps of a target */
	int64_t breaker_open_ms; /* a target's breaker has not closed for so long */
};

/* ---- sources ---- */

enum verify_scheme { VERIFY_NONE, VERIFY_HMAC, VERIFY_TOKEN };
enum verify_encoding { VERIFY_HEX, VERIFY_BASE64 };
enum verify_key {
	VERIFY_KEY_RAW,         /* the secret's bytes as they are */
	VERIFY_KEY_STRIP,       /* without `key_prefix`, when it stands there */
	VERIFY_KEY_STRIP_BASE64 /* without `key_prefix`, then decoded from base64 */
};
enum verify_hash { VERIFY_SHA1, VERIFY_SHA256, VERIFY_SHA512 };

/* How a request is proven to come from its platform. Texts are NULL where they do not apply.
 *
 * HMAC. The value of `header` is cut at `element_separator` (NULL: the whole value is one element). With
 * `key_separator` each element is a name and a value, cut at the first one; without it an element's name is
 * its position, counted from "1". Elements named `signature_element` hold signatures (NULL: every element
 * does), any of which may match; an element named `timestamp_element` holds the time. Others are ignored.
 * `signature_prefix` is required and stripped from each signature ("sha256="). The signed string is
 * `signed_string` with {id} {timestamp} {url} {body} replaced: values of `id_header`, of the timestamp
 * element or `timestamp_header`, the public URL, and the raw body.
 * `header_prefixes`: when the headers are missing, they are looked for with their first prefix exchanged for
 * the next one (webhook-signature → svix-signature); all three names take the same prefix.
 *
 * TOKEN. One of the secrets stands in `token_header` (after `token_prefix`, which is required and compared
 * without case: "Bearer ") or in the JSON body at `token_pointer`. */
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
	int64_t tolerance_ms; /* both sides of now; used only where a timestamp is signed; 0: not checked */
	char *token_header;
	char *token_prefix;
	char *token_pointer; /* JSON pointer */
};

/* The programs are jq texts, checked by hooks->compile. Their input is the parsed body. */
struct config_source {
	char *name;   /* its address is /in/NAME */
	char *preset; /* NULL: none */
	struct config_verify verify;
	struct config_secret *secrets;
	size_t secret_count;
	char *map;                /* body → canonical event; never NULL, "." by default */
	char *event_id;           /* the sender's id of the event; NULL: the mapped `.id` */
	char *event_id_header;    /* instead of `event_id`; fills the mapped `.id` where the map leaves it out */
	char *type_header;        /* fills the mapped `.type` where the map leaves it out; NULL: none */
	struct config_list dedup; /* programs whose results, joined, are the dedup key; none: the event id */
	char *gift;               /* stable name of the gift; NULL: the mapped `.gift` */
	/* Condition: this event *is* the gift and starts its saga; NULL: every event does. Where it holds and the
	 * map gave a type outside donation.*, the type is donation.created. */
	char *gift_made;
	char *related;  /* condition, asked when gift_made is false: recorded beside its gift, starts no saga */
	int64_t answer; /* 202, or 200 for platforms that accept nothing else */
	bool allow_unverified;
	int64_t keep_rejected_bytes;  /* for requests refused as not verified; 0: none are kept */
	int64_t keep_rejected_for_ms; /* how long */
	bool paused;                  /* answered with 503 */
	uint8_t digest[DIGEST_BYTES]; /* of everything above, secrets included: differs when it was changed */
};

/* ---- targets ---- */

struct config_retry {
	int64_t first_ms;
	double factor;
	int64_t cap_ms;
	int64_t give_up_after_ms; /* 0: never by age */
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
	int64_t probe_ms; /* for refused credentials: how often one step asks whether they are taken again */
};

struct config_target_limits {
	int64_t in_flight;
	struct config_rate rate;
	int64_t timeout_ms; /* one exchange */
	int64_t connect_timeout_ms;
	int64_t reply_bytes;
	int64_t window_bytes; /* of waiting steps the engine may hold in memory */
};

enum config_on_attention { CONFIG_ATTENTION_PASS, CONFIG_ATTENTION_HOLD };

/* Which line an event stands in: the first of `by` (jq texts over the canonical event) that gives a value.
 * `standard`: nothing was written, so `.donor.id`, else `.donor.email` in lower case, and `by` is empty.
 * Neither: no lanes. */
struct config_order {
	bool standard;
	struct config_list by;
	enum config_on_attention on_attention;
};

/* What a target's connector says of its checked settings. */
struct config_traits {
	bool known; /* the connector could be asked */
	bool can_undo;
	bool can_undo_nothing;
	bool undo_idempotent; /* an undo may be sent twice, whatever `repeat` says */
	bool can_look_up;
	char repeat[16];             /* "idempotent", "keyed", "queryable", "unsafe" */
	int64_t repeat_ttl_ms;       /* for "keyed": how long the target remembers a key */
	char connector_summary[160]; /* for `check`: version, where found, how far proven; may be "" */
};

struct config_target {
	char *name;
	char *connector;
	json_t *settings; /* object; `$env`, `$file` and comments resolved; never print it, it holds secrets */
	json_t *written;  /* the settings as written: where a reference stands it is an object, else a literal */
	char *file;       /* the file that holds it */
	char *base_dir;   /* of that file: relative paths in settings start here */
	struct config_retry retry;
	struct config_breaker breaker;
	struct config_hold hold;
	struct config_target_limits limits;
	struct config_order order;
	bool paused;
	struct config_traits traits;  /* filled by hooks->check_target */
	uint8_t digest[DIGEST_BYTES]; /* as a source's, without the traits */
};

/* ---- routes ---- */

enum config_on_failure { CONFIG_FAILURE_CONTINUE, CONFIG_FAILURE_HOLD, CONFIG_FAILURE_COMPENSATE };

struct config_step {
	char *name;        /* the target's unless written */
	size_t target;     /* index into config->targets */
	char *when;        /* jq condition over the canonical event with `.steps`; NULL: always */
	int64_t expire_ms; /* since acceptance; 0: never */
	uint32_t after;    /* bit i: waits for step i of this route */
	bool undo_none;    /* marked "undo": "none": may stay when the rest is undone */
};

struct config_route {
	char *name;
	struct config_list sources; /* empty: any */
	struct config_list types;   /* globs with * and ?; empty: any */
	char *where;                /* jq condition over the canonical event; NULL: always */
	struct config_step *steps;
	size_t step_count; /* 1 … CONFIG_STEPS_MAX; every step stands after those it waits for */
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
	uint8_t digest[DIGEST_BYTES]; /* of the merged configuration, without secrets: names it in the log */
	unsigned references;          /* config_ref and config_unref only */
};

/* ---- reading ---- */

/* Secrets taken from the environment. They are removed from there once read (config_forget_secrets) and
 * remembered here, so that a reload finds them. Thread: one at a time. */
struct config_env;
struct config_env *config_env_create(void);
void config_env_destroy(struct config_env *env); /* wipes them */
/* Unsets every variable that was read through `env`. Call it before any thread starts. */
void config_forget_secrets(struct config_env *env);

/* How a check of a target reports: `pointer` goes on from the target's settings ("/url", "" for all of it).
 */
struct config_report {
	void *ctx;
	void (*add)(void *ctx, enum diag_severity severity, const char *pointer, const char *message,
				const char *expected);
};

/* What the gateway lends to the check. Every function may be NULL: then that check is left out. */
struct config_hooks {
	void *ctx;
	struct config_env *env; /* NULL: the environment is read and left alone */
	const char *preset_dir; /* looked into first; NULL: only the usual places */
	/* For commands that only need to find store and socket: secrets and files that are missing or unreadable
	 * to this user are warnings, not errors; such a snapshot must not serve. */
	bool lenient;
	/* Told once, before any target is checked: where the main file says connectors may lie. */
	void (*connector_path)(void *ctx, const struct config_list *path);
	/* Compiles a jq program; returns 0, or a code with the error's text. */
	int (*compile)(void *ctx, const char *program, struct err *err);
	/* Loads the target's connector and checks its settings; reports every fault. Returns 0 with the traits
	 * when the target is usable, else a code (and at least one report). */
	int (*check_target)(void *ctx, const struct config_target *target, const struct config_report *report,
						struct config_traits *ret_traits);
};

/* Reads, checks and resolves everything. Returns 0 with a snapshot holding one reference, or ERR_INVALID
 * (ERR_NOT_FOUND: no main file) with at least one error in `found`; warnings may come either way. `hooks` may
 * be NULL. Thread: any, but the environment must not change meanwhile. */
int config_load(const char *path, const struct config_hooks *hooks, struct config **ret_config,
				struct diagnostics *found) MUST_CHECK;

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* accepts NULL; the last one wipes secrets. Thread: any */

/* Index of a name, or -1. */
int config_find_source(const struct config *config, struct str name);
int config_find_target(const struct config *config, struct str name);
int config_find_route(const struct config *config, struct str name);

/* Names of the enums as they are written in files. */
const char *config_on_failure_name(enum config_on_failure value);
const char *config_log_level_name(enum config_log_level value);
const char *config_verify_scheme_name(enum verify_scheme value);

/* ---- comparing ---- */

enum config_change_kind { CONFIG_ADDED, CONFIG_REMOVED, CONFIG_CHANGED };
enum config_subject { CONFIG_OPTION, CONFIG_SOURCE, CONFIG_TARGET, CONFIG_ROUTE };

struct config_change {
	enum config_change_kind kind;
	enum config_subject subject;
	char *name;         /* of the source, target or route; of an option its JSON pointer */
	bool needs_restart; /* an option that cannot change while the daemon runs: refuse the reload */
};

struct config_changes {
	struct config_change *items;
	size_t count;
	size_t needs_restart; /* how many of them do */
};

/* What a reload from `before` to `after` would change. */
void config_diff(const struct config *before, const struct config *after, struct config_changes *ret_changes);
void config_changes_finish(struct config_changes *changes);
#define AUTO_CONFIG_CHANGES __attribute__((cleanup(config_changes_finish)))

/* ---- telling ---- */

/* What a clean configuration will do: sources with address and verification, routes as trees, targets with
 * connector, retry and limits. No secrets. */
void config_print(const struct config *config, struct buf *to);

/* Does the route's `source` and `type` take this event? (`where` is for whoever runs jq.) */
bool config_route_takes(const struct config_route *route, struct str source, struct str type);

/* ---- shipped files ---- */

/* Where a shipped file ("presets/stripe.json", "examples/almoner.json") is: in the build tree or in the share
 * directory of the running program's prefix. Fresh path, or NULL. */
char *config_find_shipped(const char *name) MUST_CHECK;

#endif
