/* almoner connector interface, version 1.2: the one header that a connector needs.
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
 *              An older plugin leaves what it does not know as the host made it: zero, which always means
 *              "not used". An older host gives shorter structs: read a newer member of a struct that the host
 *              made only if `size` covers it (ALMONER_HAS).
 *
 * Changes
 *   1.0  first version
 *   1.1  almoner_step.do_key, ALMONER_UNDO_IDEMPOTENT
 *   1.2  almoner_traits.types and types_of_original; almoner_step.original, event_version and local_day;
 *        almoner_host.name_known; almoner_done.code and rate; ALMONER_PARTIAL; almoner_action.authorize and
 *        sign; ALMONER_SECRET_WITHHELD; almoner_connector.preview; ALMONER_PROBE and ALMONER_SETUP
 *
 * Version 1.2 was made once for several versions of the gateway. What this version of the gateway does not do
 * yet is marked "not yet": the contract stands, and a connector may be written for it. */
#ifndef ALMONER_CONNECTOR_H
#define ALMONER_CONNECTOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALMONER_ABI_MAJOR 1
#define ALMONER_ABI_MINOR 2

/* True if the struct at `p`, which the other side made, is long enough to have the member. */
#define ALMONER_HAS(p, type, member)                                                                         \
	((p)->size >= offsetof(struct type, member) + sizeof(((struct type *)0)->member))

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

/* A secret is written as {"$env":…} or {"$file":…} and is never printed. */
enum almoner_secret {
	ALMONER_SECRET_NONE = 0,
	ALMONER_SECRET_MASKED = 1, /* the connector sees the value */
	/* Since 1.2. The value stays with the host. In the settings the connector sees the name of the option in
	 * its place, and that name goes into almoner_authorize.grant or almoner_sign.key. */
	ALMONER_SECRET_WITHHELD = 2
};

struct almoner_option {
	const char *name;
	uint32_t type;        /* enum almoner_option_type */
	uint32_t required;    /* 1: the configuration must set it */
	uint32_t secret;      /* enum almoner_secret */
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
		1u << 3, /* since 1.1: two undos have the effect of one, whatever `repeat` says about DO */
	ALMONER_CAN_PROBE = 1u << 4, /* since 1.2: ALMONER_PROBE */
	ALMONER_CAN_SETUP = 1u << 5  /* since 1.2: ALMONER_SETUP */
};

struct almoner_traits {
	uint32_t size;
	uint32_t repeat;        /* enum almoner_repeat */
	uint64_t repeat_ttl_ms; /* for KEYED: how long the target remembers a key */
	uint32_t capabilities;  /* bits of enum almoner_capability */
	/* Since 1.2. The canonical types of events that this instance takes, separated by blanks, for example
	 * "donation.created"; NULL: all types. The host skips a step whose event has another type (not yet: so
	 * far the host reads and shows the types). Both texts live until `close`. */
	const char *types;
	/* Since 1.2. The types that it takes besides, if the saga has an original (almoner_step.original): a
	 * refund, for example, makes sense only where the gift is known. NULL: none. Needs `types`. */
	const char *types_of_original;
};

/* ---- services of the host ---- */

struct almoner_host {
	uint32_t size;
	void *ctx;
	/* Writes a line to the gateway's log. level: 0 debug, 1 info, 2 warning, 3 error. The text must not
	 * contain a secret or data of a donor. */
	void (*log)(void *ctx, uint32_t level, const char *text);
	/* Since 1.2; NULL: the host does not know. Can an event that reaches this target have a value at this
	 * path ("donor.email"; an alias such as "steps.books.id" too)? Returns 1 for yes and for "perhaps", 0 for
	 * certainly not: `open` should then fail with an error that names the path. `nearest` may be NULL; else
	 * it receives a known path that looks alike, or the absent text; it lives until the next call. May be
	 * called while any function of this instance runs. (Not yet: this host answers 1 to every name and warns
	 * in `almoner check`.) */
	uint32_t (*name_known)(void *ctx, struct almoner_text path, struct almoner_text *nearest);
};

/* The connector fills it if a call fails: one sentence for the operator. */
struct almoner_error {
	uint32_t size;
	char text[400];
};

/* ---- one attempt ---- */

enum almoner_purpose {
	ALMONER_DO = 1,     /* have the effect */
	ALMONER_UNDO = 2,   /* reverse it; `own_result` is the result of DO, absent if unknown */
	ALMONER_LOOKUP = 3, /* did DO happen? Ends with OK, ABSENT, PARTIAL or another class. Only reads */
	/* Since 1.2, for connectors with ALMONER_CAN_PROBE: does the target answer, and does it accept our
	 * credentials? Only reads. The step has no event. (Not yet asked for.) */
	ALMONER_PROBE = 4,
	/* Since 1.2, for connectors with ALMONER_CAN_SETUP: makes at the target what DO needs there once, such as
	 * a field for our key. Two have the effect of one. The step has no event. (Not yet asked for.) */
	ALMONER_SETUP = 5
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
	/* Since 1.2. The gift that this event is about, if the event is a refund, a dispute or another event
	 * about an earlier gift, and has a saga of its own; absent for all others. A JSON object:
	 *   {"saga": 1042,                                    number of the gift's saga
	 *    "event": {…},                                    the canonical event of the gift
	 *    "steps": {"books": {"state": "succeeded", "result": {"id": "7"}}},
	 *    "refunded": {"minor": 500, "value": "5.00", "currency": "EUR"}}
	 * `steps` has each step of the gift's saga by its name; `result` is absent if the step has none.
	 * `refunded` is what was refunded before this event. The text is taken when the step starts first and is
	 * then the same on every attempt of a generation. (Not yet: always absent.) */
	struct almoner_text original;
	/* Since 1.2. Which version of the event `event` is, from 1; grows when an operator edits the event. */
	uint32_t event_version;
	/* Since 1.2. The local day of the event, YYYY-MM-DD in the main time zone of the gateway: the day that
	 * bookings and receipts need. Absent if the host does not know it. (Not yet: always absent.) */
	struct almoner_text local_day;
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

/* ---- what the host adds to a request: tokens and signatures (since 1.2) ----
 *
 * A connector never sees a token or a key that signs: it names the option that holds the material, and that
 * option is ALMONER_SECRET_WITHHELD. The host adds the headers to each exchange when it sends it, after
 * everything else is fixed; the connector must not give a header that the host adds. Headers do not belong to
 * what must stay the same between attempts, so every attempt carries a fresh token and a fresh signature.
 * (Not yet: this host ends an attempt that asks for one of them as FAULT and says so.) */

/* The host adds an OAuth 2.0 access token. For HTTP: the header "Authorization: SCHEME TOKEN". For mail: it
 * logs in with AUTH XOAUTH2 as mail.username; mail.password is absent. A reply 401 had no effect: the host
 * gets a new token, sends the same exchange once more, and gives the connector the reply to that one. If no
 * token can be had, the host ends the attempt as DENIED without asking the connector. */
struct almoner_authorize {
	uint32_t size;
	/* Name of a JSON option that is withheld. Its value names the grant (client_credentials, refresh_token or
	 * jwt_bearer), the token's address and the client; the gateway's manual defines it, not the connector. */
	struct almoner_text grant;
	struct almoner_text scheme; /* absent: "Bearer" */
};

enum almoner_sign_kind {
	/* AWS Signature Version 4, AWS4-HMAC-SHA256, in the Authorization header; not together with `authorize`.
	 *   key       a JSON option: {"access_key_id":…, "secret_access_key":…, "session_token":…}; the
	 *             last may be absent
	 *   added     X-Amz-Date, the time of sending; X-Amz-Security-Token if the key has a token; for the
	 *             service "s3" X-Amz-Content-Sha256; Authorization
	 *   signed    method, path, query, the headers Host, Content-Type and all X-Amz-*, and the SHA-256 of the
	 *             body's bytes (absent body: of no bytes)
	 *   canonical as AWS defines it: header names in lower case and sorted, values with single blanks and
	 *             trimmed; query parameters percent-encoded and sorted by name, then by value; each segment
	 *             of the path percent-encoded once more, except for "s3". http.url is percent-encoded already
	 *             and is sent as it is. */
	ALMONER_SIGN_AWS4 = 1,
	/* Standard Webhooks 1.0.0 (www.standardwebhooks.com).
	 *   key       a STRING option with one key, or a JSON option with a list of 1 to 4 keys, so that the
	 *             receiver can change from one to the next. "whsec_" and Base64: scheme v1, HMAC-SHA256;
	 *             "whsk_" and Base64: scheme v1a, Ed25519
	 *   added     webhook-id: message_id; webhook-timestamp: seconds since 1970 at the time of sending;
	 *             webhook-signature: for each key "v1," or "v1a," and the signature in Base64, separated by a
	 *             blank
	 *   signed    the bytes message_id "." timestamp "." body, the body exactly as it is sent (absent: no
	 *             bytes) */
	ALMONER_SIGN_STANDARD_WEBHOOKS = 2
};

struct almoner_sign {
	uint32_t size;
	uint32_t kind;                  /* enum almoner_sign_kind */
	struct almoner_text key;        /* name of an option that is withheld; its form as the kind says */
	struct almoner_text region;     /* AWS4: "eu-central-1" */
	struct almoner_text service;    /* AWS4: "ses", "sqs"; it does not follow from the host name */
	struct almoner_text message_id; /* STANDARD_WEBHOOKS: the same on every attempt, so the step's `key` */
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
	ALMONER_FORBIDDEN = 10,  /* a 403: for our credentials, or only for this request? The host finds out */
	/* Since 1.2, only for LOOKUP: a part of DO is there and the rest is missing, for example a deal without
	 * its contact. The host begins DO again with its last checkpoint and the same keys. The connector
	 * promises that this DO makes nothing a second time: it looks before it creates, or the target recognises
	 * the key. */
	ALMONER_PARTIAL = 11
};

/* Since 1.2. What the target says about its rate limit, usually in headers of the reply. The host starts no
 * more attempts than are left until the window ends. All zero: the target said nothing. */
struct almoner_rate {
	uint32_t limit;     /* requests in one window; 0: not said */
	uint32_t remaining; /* requests that are left in the present window */
	/* From the reply to the end of the window, or the longest that this can take. 0: the target said nothing,
	 * and the other members do not count. */
	int64_t reset_ms;
};

struct almoner_done {
	uint32_t result_class;      /* enum almoner_class */
	uint32_t status;            /* the target's own code (HTTP, SMTP), 0 for none */
	int64_t retry_after_ms;     /* wait at least this long; 0: the target named no time */
	struct almoner_text detail; /* one line for the operator; no secrets */
	struct almoner_text result; /* JSON object: {"id":…,"url":…, other outputs}; absent for none */
	/* Since 1.2. The target's own word or number for what happened ("INVALID_EMAIL", "6140"); absent: none.
	 * Operators see it and group failures by it. At most 64 printable ASCII characters without blanks; never
	 * data of a donor, because it is kept when the donor's data is forgotten. */
	struct almoner_text code;
	struct almoner_rate rate; /* since 1.2; may come with every class */
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
	/* Like `http` and `mail`, this struct cannot grow any more: since 1.2 members follow it. */
	struct almoner_done done;
	/* Since 1.2, for the two SEND kinds. They live as long as the texts of the action. NULL: not wanted. */
	const struct almoner_authorize *authorize;
	const struct almoner_sign *sign; /* only for SEND_HTTP */
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
	/* "real server", "vendor's library", "vendor's vectors", "vendor's schema" or "documents only" */
	const char *proven;
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
	/* Since 1.2; NULL: none. For a connector that reads before it has an effect: replies with which a step
	 * can be shown without a network. JSON text:
	 *   {"do": [REPLY, …], "undo": [REPLY, …], "lookup": [REPLY, …]}      each list is optional
	 *   {"to": "GET ", "status": 200, "headers": {"ETag": "\"1\""}, "body": …}      a REPLY
	 * An exchange gets the first REPLY whose `to` occurs in METHOD, blank and URL of the request; without
	 * `to` it fits every request. So one list serves events that take different ways. `headers` is optional;
	 * `body` is a text as it is sent or any other JSON value, absent: no body. Every reading exchange must
	 * have a reply. An exchange with effects that has none ends the preview; otherwise the attempt ends with
	 * OK for every event that the connector takes. (Not yet: so far the host checks the text.) */
	const char *preview;
};

/* The one symbol that a plugin exports. The result lives as long as the plugin is loaded. */
ALMONER_EXPORT const struct almoner_connector *almoner_connector(void);

#ifdef __cplusplus
}
#endif

#endif
