/* The words of one command: options from one table, the rest in order. Private to the room. */
#ifndef ALMONER_CLI_ARGS_H
#define ALMONER_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* Which commands take an option: the sets of `struct command`. */
enum args_set {
	ARGS_JSON = 1u << 0,
	ARGS_FILTER = 1u << 1, /* of sagas */
	ARGS_CHANGE = 1u << 2, /* ---- reason ---- */
	ARGS_BULK = 1u << 3,   /* ---- all --dry-run --yes --no-wait --rate ---- */
	ARGS_RESUME = 1u << 4, /* ---- redo-in-doubt ---- */
	ARGS_RESOLVE = 1u << 5,
	ARGS_LIMIT = 1u << 6,
	ARGS_LOG = 1u << 7,
	ARGS_SOURCE = 1u << 8, /* ---- source alone of the filters ---- */
	ARGS_CONFIRM = 1u << 9 /* ---- all --dry-run --yes ---- */
};

#define ARGS_OPERANDS_MAX 1024

struct args {
	bool json, all, dry_run, yes, redo_in_doubt, done, not_done, has_filter, no_wait;
	const char *reason;
	const char *id; /* resolve --id */
	const char *limit;
	const char *rate; /* NULL: none */
	const char *after;
	struct buf filter; /* the query string: "state=attention&target=crm" */
	const char *operands[ARGS_OPERANDS_MAX];
	size_t operand_count;
};

/* ERR_INVALID with a text that names the option and lists those this command takes. */
int args_parse(int argc, char **argv, unsigned sets, struct args *ret, struct err *err) MUST_CHECK;
void args_finish(struct args *a);
/* "[--json] [--state STATE] …", without those `operands` names already. */
void args_usage(unsigned sets, const char *operands, struct buf *out);
/* A line for each: what it means. */
void args_explain(unsigned sets, struct buf *out);

/* Appends `text` percent-encoded. */
void args_encode(struct buf *out, const char *text);

#endif
