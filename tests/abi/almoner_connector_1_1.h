/* almoner connector interface, version 1.1: the one header that a connector needs.
 *
 * A connector is a shared object that knows one kind of target. It opens no socket, never waits, starts no
 * thread and does not see the event loop. The gateway asks "what next?". The connector answers with one
 * request or with the final outcome. The gateway sends the request and asks again with the reply.
 *
 *     open ──► begin ──► next(NULL) ──► HTTP / MAIL ──► next(reply) ──► … ──► DONE ──► end ──► close
 *
 * Rules
 *   Threads    Every call of one instance comes from one thread, one at a time. Instances share nothing.
 *   Time       A call must return within milliseconds. After 5 s the gateway stops itself and reports the
 *              step as the cause.
 *   Memory     Each side frees the memory that it allocated. Arguments from the host live until the call
 *              returns, unless a comment says more. The texts of an action must live until the next call for
 *              the same attempt (`next` or `end`).
 *   Strings    Counted by `len`, and NUL-terminated at p[len]; UTF-8. An absent string has p == NULL.
 *   Repeats    The same step may begin again after any failure, also after a restart. Use `key` of the host
 *              as the idempotency key: it is the same on every attempt.
 *   Undo       Must end with OK if the thing to undo never happened; see ALMONER_CAN_UNDO_NOTHING.
 *   Extension  Structs grow only at their end, and most begin with their size. The host refuses a plugin with
 *              another major version, or with a newer minor version than its own, and names the field.
 *
 * Changes
 *   1.0  first version
 *   1.1  almoner_step.do_key, ALMONER_UNDO_IDEMPOTENT
 * */
#ifndef ALMONER_CONNECTOR_H
#define ALMONER_CONNECTOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALMONER_ABI_MAJOR 1
#define ALMONER_ABI_MINOR 1

#if defined(__GNUC__)
#define ALMONER_EXPORT __attribute__((visibility("default")))
#else
#define ALMONER_EXPORT
#endif

struct almoner_text {
	const char *p;
	size_t len;
};

/* ---- options: the host checks, documents and masks them ---- */

enum almoner_option_type {
	ALMONER_OPTION_STRING = 1,
	ALMONER_OPTION_INTEGER = 2,
	ALMONER_OPTION_BOOLEAN = 3,
	ALMONER_OPTION_DURATION = 4, /* written "30s"; the connector sees an integer of milliseconds */
	ALMONER_OPTION_BYTES = 5,    /* written "1MiB"; the connector sees an integer of bytes */
	ALMONER_OPTION_URL = 6,      /* an absolute http, https, smtp or smtps URL */
	ALMONER_OPTION_CHOICE = 7,   /* one of `choices`, separated by '|' */
	ALMONER_OPTION_FILE = 8, /* a path, relative to the configuration file; the connector sees the contents */
	ALMONER_OPTION_JSON = 9  /* any JSON value; the connector sees it unchanged */
};

struct almoner_option {
	const char *name;
	uint32_t type;        /* enum almoner_option_type */
	uint32_t required;    /* 1: the configuration must set it */
	uint32_t secret;      /* 1: written as {"$env":…} or {"$file":…}; never printed */
	const char *fallback; /* the default as JSON text; NULL: no default */
	const char *choices;  /* for CHOICE: "none|starttls|tls"; NULL otherwise */
	const char *help;     /* one sentence */
};

/* ---- the promises of a configured instance ---- */

/* What may happen if the same step is sent twice. There is no default. */
enum almoner_repeat {
	ALMONER_REPEAT_IDEMPOTENT = 1, /* two requests have the effect of one, for ever */
	ALMONER_REPEAT_KEYED = 2,      /* the target recognises our key for repeat_ttl_ms */
	ALMONER_REPEAT_QUERYABLE = 3,  /* ALMONER_LOOKUP can find out whether it happened */
	ALMONER_REPEAT_UNSAFE = 4      /* two requests have two effects, and a repeat cannot be recognised */
};

enum almoner_capability {
	ALMONER_CAN_UNDO = 1u << 0,
	ALMONER_CAN_UNDO_NOTHING = 1u << 1, /* an undo of what never happened is safe, and stops a late DO */
	ALMONER_CAN_LOOKUP = 1u << 2,
	ALMONER_UNDO_IDEMPOTENT =
		1u << 3 /* since 1.1: two undos have the effect of one, whatever `repeat` says about DO */
};

struct almoner_traits {
	uint32_t size;
	uint32_t repeat;        /* enum almoner_repeat */
	uint64_t repeat_ttl_ms; /* for KEYED: how long the target remembers a key */
	uint32_t capabilities;  /* bits of enum almoner_capability */
};

/* ---- services of the host ---- */

struct almoner_host {
	uint32_t size;
	void *ctx;
	/* Writes a line to the gateway's log. level: 0 debug, 1 info, 2 warning, 3 error. The text must not
	 * contain a secret or data of a donor. */
	void (*log)(void *ctx, uint32_t level, const char *text);
};

/* The connector fills it if a call fails: one sentence for the operator. */
struct almoner_error {
	uint32_t size;
	char text[400];
};

/* ---- one attempt ---- */

enum almoner_purpose {
	ALMONER_DO = 1,    /* have the effect */
	ALMONER_UNDO = 2,  /* reverse it; `own_result` is the result of DO, absent if unknown */
	ALMONER_LOOKUP = 3 /* did DO happen? Ends with OK, ABSENT or another class. Only reads */
};

struct almoner_step {
	uint32_t size;
	uint32_t purpose;         /* enum almoner_purpose */
	uint64_t saga;            /* number for texts and references; not for idempotency */
	uint32_t generation;      /* grows only if an operator orders to send the step again */
	uint32_t attempt;         /* counts from 1 in each generation */
	int64_t now_ms;           /* wall clock, milliseconds since 1970 */
	struct almoner_text name; /* of the step */
	struct almoner_text source;
	struct almoner_text event_id;   /* the sender's id of the event */
	struct almoner_text event;      /* the canonical event, JSON */
	struct almoner_text steps;      /* results of earlier steps: {"books":{"id":"…"}}, JSON */
	struct almoner_text own_result; /* JSON; absent unless known */
	struct almoner_text checkpoint; /* of the last action that had one; absent: there was none */
	/* Writes the idempotency key for one exchange, 32 hex digits and a NUL: the same on every attempt.
	 * `label` distinguishes several effects of one step; "" is the only or main one. UNDO has keys of its
	 * own; LOOKUP gets the keys of the DO that it asks about. May be called until `end`. */
	void *key_ctx;
	void (*key)(void *key_ctx, const char *label, char out[33]);
	/* When the gateway accepted the event, in milliseconds since 1970; 0: unknown. It is the same on every
	 * attempt, so a request may contain it. A request must not contain `now_ms`: a repeat must have the same
	 * bytes as the first request. */
	int64_t accepted_ms;
	/* Since 1.1. As `key`, but always a key of the last DO of this step. An UNDO that does not know the
	 * result of DO can look for it by the key that DO carried. */
	void (*do_key)(void *key_ctx, const char *label, char out[33]);
};

enum almoner_effect {
	ALMONER_READS = 1,  /* changes nothing: may be repeated freely, and a failure leaves no doubt */
	ALMONER_EFFECTS = 2 /* may change something at the target */
};

struct almoner_header {
	struct almoner_text name;
	struct almoner_text value;
};

struct almoner_http {
	struct almoner_text method; /* upper case */
	struct almoner_text url;    /* absolute, http or https */
	const struct almoner_header *headers;
	size_t header_count;
	struct almoner_text body; /* absent: no body */
};

enum almoner_mail_tls { ALMONER_TLS_NONE = 1, ALMONER_TLS_STARTTLS = 2, ALMONER_TLS_DIRECT = 3 };

struct almoner_mail {
	struct almoner_text host;
	uint32_t port;
	uint32_t tls;                 /* enum almoner_mail_tls; without STARTTLS at the server nothing is sent */
	struct almoner_text ehlo;     /* our name in EHLO; absent: the host chooses */
	struct almoner_text username; /* absent: no login */
	struct almoner_text password;
	struct almoner_text from; /* bare addresses, no angle brackets */
	struct almoner_text to;
	struct almoner_text message; /* complete RFC 5322 message, CRLF line ends, not dot-stuffed */
};

enum almoner_class {
	ALMONER_OK = 1,
	ALMONER_UNREACHABLE = 2, /* certainly no effect; try again */
	ALMONER_BUSY = 3,        /* certainly no effect; the target asks to wait */
	ALMONER_UNKNOWN = 4,     /* may have taken effect */
	ALMONER_EXISTS = 5,      /* the target says that it has this already, and a look-up did not confirm it */
	ALMONER_REJECTED = 6,    /* certainly no effect; the target will never accept this request */
	ALMONER_DENIED = 7,      /* certainly no effect; our credentials are refused */
	ALMONER_FAULT = 8,       /* the connector cannot continue: a template fails, a reply makes no sense */
	ALMONER_ABSENT = 9,      /* only for LOOKUP: it did not happen */
	ALMONER_FORBIDDEN = 10   /* a 403: for our credentials, or only for this request? The host finds out */
};

struct almoner_done {
	uint32_t result_class;      /* enum almoner_class */
	uint32_t status;            /* the target's own code (HTTP, SMTP), 0 for none */
	int64_t retry_after_ms;     /* wait at least this long; 0: the target named no time */
	struct almoner_text detail; /* one line for the operator; no secrets */
	struct almoner_text result; /* JSON object: {"id":…,"url":…, other outputs}; absent for none */
};

enum almoner_action_kind { ALMONER_SEND_HTTP = 1, ALMONER_SEND_MAIL = 2, ALMONER_FINISH = 3 };

struct almoner_action {
	uint32_t size;
	uint32_t kind;   /* enum almoner_action_kind */
	uint32_t effect; /* enum almoner_effect, for the two SEND kinds */
	/* Before an EFFECTS exchange that is not the first one of the attempt, the host stores this text on disk.
	 * The next attempt gets it as step.checkpoint. Absent: nothing to remember. At most 4 KiB. */
	struct almoner_text checkpoint;
	struct almoner_http http;
	struct almoner_mail mail;
	struct almoner_done done;
};

/* A complete reply of the target. After a transport error (no connection, time-out, reset) the connector is
 * not asked again: the host itself decides UNREACHABLE or UNKNOWN and ends the attempt. */
struct almoner_reply {
	uint32_t size;
	uint32_t status;                      /* HTTP status, or the last SMTP reply code */
	const struct almoner_header *headers; /* HTTP; names as received, compare without case */
	size_t header_count;
	struct almoner_text body; /* HTTP body, or the text of the last SMTP reply */
	uint32_t truncated;       /* 1: the body is cut off, because it was longer than the host keeps */
	int64_t retry_after_ms;   /* from Retry-After, parsed; 0: the reply has none */
};

/* ---- the descriptor ---- */

struct almoner_connector {
	uint32_t size; /* sizeof(struct almoner_connector) of the plugin's header */
	uint16_t abi_major;
	uint16_t abi_minor;
	const char *name; /* as in the configuration */
	const char *version;
	const char *summary; /* one line */
	const char *proven;  /* "real server", "vendor's vectors", "vendor's schema", "documents only" */
	const struct almoner_option *options;
	size_t option_count;
	size_t option_size; /* sizeof(struct almoner_option) */

	/* Makes an instance of checked settings (a JSON object with defaults, secrets and contents of files
	 * filled in) and fills `traits` with its promises. Returns 0, or -1 with `error` filled. `host` outlives
	 * the instance. */
	int (*open)(const struct almoner_host *host, struct almoner_text settings, void **instance,
				struct almoner_traits *traits, struct almoner_error *error);
	void (*close)(void *instance);

	/* Starts an attempt. `step` and its texts live until `end`. Returns 0, or -1 with `error` filled (the
	 * outcome is then FAULT; `end` is not called). */
	int (*begin)(void *instance, const struct almoner_step *step, void **attempt,
				 struct almoner_error *error);
	/* What next? `reply` is NULL on the first call. Returns 0 with `action` filled, or -1 with `error` filled
	 * (the outcome is FAULT). Called at most 16 times in an attempt. */
	int (*next)(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error);
	/* Frees the attempt. May be called at any time, also without a reply to the last action. */
	void (*end)(void *attempt);
};

/* The one symbol that a plugin exports. The result lives as long as the plugin is loaded. */
ALMONER_EXPORT const struct almoner_connector *almoner_connector(void);

#ifdef __cplusplus
}
#endif

#endif
