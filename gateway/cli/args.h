/* Parses the words of one command: the options, from one table, and the operands in their order. */
#ifndef ALMONER_GATEWAY_CLI_ARGS_H
#define ALMONER_GATEWAY_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* Sets of options. The table of commands names the sets that a command takes; an option can be in several. */
enum args_set {
	ARGS_JSON = 1u << 0,
	ARGS_FILTER = 1u << 1, /* all filters of `saga list` */
	ARGS_CHANGE = 1u << 2, /* --reason */
	ARGS_BULK = 1u << 3,   /* --all --dry-run --yes --no-wait --rate */
	ARGS_RESUME = 1u << 4, /* --redo-in-doubt */
	ARGS_RESOLVE = 1u << 5,
	ARGS_LIMIT = 1u << 6,
	ARGS_LOG = 1u << 7,
	ARGS_SOURCE = 1u << 8,  /* --source, without the other filters */
	ARGS_CONFIRM = 1u << 9, /* --all --dry-run --yes */
	ARGS_SETS_END = 1u << 10
};

/* Operands of one command line. Chosen; no measurement: for more, the user takes --all with filters. */
#define ARGS_OPERANDS_MAX 1024

/* All texts are borrowed from argv. */
struct args {
	bool json, all, dry_run, yes, redo_in_doubt, done, not_done, has_filter, no_wait;
	const char *reason; /* "" without --reason */
	const char *id;     /* NULL without `resolve --id` */
	const char *limit;  /* NULL without --limit */
	const char *rate;   /* NULL without --rate */
	const char *after;  /* NULL without --after */
	struct buf filter;  /* the filters as a query string: "state=attention&target=crm" */
	const char *operands[ARGS_OPERANDS_MAX];
	size_t operand_count;
};

/* `sets`: the option sets (enum args_set) that the command takes. ERR_INVALID: the text names the wrong
 * option and lists the options of the command; *ret needs no args_finish then. */
int args_parse(int argc, char **argv, unsigned sets, struct args *ret, struct err *err) MUST_CHECK;
void args_finish(struct args *a);
/* Appends "[--json] [--state STATE] …" for the usage line. Leaves out the options that `operands`, the
 * operand part of the usage line, already shows. */
void args_usage(unsigned sets, const char *operands, struct buf *out);
/* Appends one line for each option of `sets` with its meaning. */
void args_explain(unsigned sets, struct buf *out);

/* Appends `text` with each byte percent-encoded that is not allowed in a part of a URL. */
void args_encode(struct buf *out, const char *text);

#endif
