#include "gateway/cli/args.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "saga/base/utf8.h"

enum args_kind { FLAG, TEXT, FILTER };

/* The table of all options. A FLAG sets the bool at `offset` in struct args, a TEXT sets the pointer there,
 * and a FILTER appends `filter` (the parameter's name in the admin API) with its value to the query string.
 */
static const struct cli_option {
	const char *name;
	unsigned set; /* the sets (enum args_set) that have this option */
	enum args_kind kind;
	size_t offset;
	const char *filter;
	const char *value; /* the word that usage prints for the option's value, such as NAME */
	const char *help;  /* NULL: a second name of another option, which help does not list */
} options[] = {
	{ "--json", ARGS_JSON, FLAG, offsetof(struct args, json), NULL, NULL,
	  "print one JSON object per line, for programs" },
	{ "--state", ARGS_FILTER, FILTER, 0, "state", "STATE",
	  "only sagas in this state: running, paused, compensating, attention, completed, completed_partial, "
	  "compensated, cancelled, unrouted" },
	{ "--target", ARGS_FILTER, FILTER, 0, "target", "NAME", "only sagas with a step for this target" },
	{ "--outcome", ARGS_FILTER, FILTER, 0, "outcome", "CLASS",
	  "only sagas with a step whose last attempt had this outcome: ok, unreachable, busy, unknown, exists, "
	  "rejected, denied, fault, absent, body_changed, partial" },
	{ "--attention", ARGS_FILTER, FILTER, 0, "reason", "REASON",
	  "only sagas that need attention for this reason: rejected, exhausted, in_doubt, fault, body_changed, "
	  "target_missing, undo_failed, quarantined, gift_missing" },
	{ "--older", ARGS_FILTER, FILTER, 0, "older", "AGE",
	  "only sagas accepted longer ago than this: 30m, 2h, 7d" },
	{ "--older-than", ARGS_FILTER, FILTER, 0, "older", NULL, NULL },
	{ "--newer", ARGS_FILTER, FILTER, 0, "newer", "AGE",
	  "only sagas accepted within this time: 30m, 2h, 7d" },
	{ "--newer-than", ARGS_FILTER, FILTER, 0, "newer", NULL, NULL },
	{ "--age", ARGS_FILTER, FILTER, 0, "older", NULL, NULL },
	{ "--source", ARGS_FILTER | ARGS_SOURCE, FILTER, 0, "source", "NAME", "only what came from this source" },
	{ "--donor", ARGS_FILTER, FILTER, 0, "donor", "DONOR",
	  "only sagas of this donor, as saga show prints it" },
	{ "--event", ARGS_FILTER, FILTER, 0, "event_id", "ID", "only events to which the sender gave this id" },
	{ "--limit", ARGS_LIMIT, TEXT, offsetof(struct args, limit), NULL, "N", "only the newest N" },
	{ "--after", ARGS_LOG, TEXT, offsetof(struct args, after), NULL, "POSITION",
	  "only records of the log behind this one: its `seq`, or its `cursor`" },
	{ "--all", ARGS_BULK | ARGS_CONFIRM, FLAG, offsetof(struct args, all), NULL, NULL,
	  "all that match the filters, instead of named ones" },
	{ "--dry-run", ARGS_BULK | ARGS_CONFIRM, FLAG, offsetof(struct args, dry_run), NULL, NULL,
	  "print what would be done, and change nothing" },
	{ "--yes", ARGS_BULK | ARGS_CONFIRM, FLAG, offsetof(struct args, yes), NULL, NULL,
	  "do not ask for confirmation; required when standard input is not a terminal" },
	{ "--no-wait", ARGS_BULK, FLAG, offsetof(struct args, no_wait), NULL, NULL,
	  "with --all: return at once and let the daemon finish; job list shows the progress" },
	{ "--rate", ARGS_BULK, TEXT, offsetof(struct args, rate), NULL, "N/s",
	  "with --all: change at most N sagas per second (N/m: per minute)" },
	{ "--redo-in-doubt", ARGS_RESUME, FLAG, offsetof(struct args, redo_in_doubt), NULL, NULL,
	  "also send the steps in doubt again, although they may have worked" },
	{ "--done", ARGS_RESOLVE, FLAG, offsetof(struct args, done), NULL, NULL,
	  "the step took effect at the target; the saga continues after it" },
	{ "--not-done", ARGS_RESOLVE, FLAG, offsetof(struct args, not_done), NULL, NULL,
	  "the step did not take effect, and it is not sent again" },
	{ "--id", ARGS_RESOLVE, TEXT, offsetof(struct args, id), NULL, "ID",
	  "the id of the record at the target, for later steps and for undo" },
	{ "--reason", ARGS_CHANGE, TEXT, offsetof(struct args, reason), NULL, "TEXT",
	  "a note, kept in the log together with your user name" },
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

void args_encode(struct buf *out, const char *text)
{
	assert(text != NULL);
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (isalnum(*c) || strchr("-._~@", *c) != NULL)
			buf_byte(out, *c);
		else
			buf_printf(out, "%%%02X", *c);
	}
}

static void set_option(struct args *a, const struct cli_option *o, const char *value)
{
	char *base = (char *)a;
	if (o->kind == FLAG) {
		*(bool *)(void *)(base + o->offset) = true;
	} else if (o->kind == TEXT) {
		*(const char **)(void *)(base + o->offset) = value;
	} else {
		buf_printf(&a->filter, "%s%s=", a->filter.len > 0 ? "&" : "", o->filter);
		args_encode(&a->filter, value);
		a->has_filter = true;
	}
}

static const struct cli_option *find(const char *word, size_t len, unsigned sets)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if ((options[i].set & sets) != 0 && strlen(options[i].name) == len &&
			strncmp(options[i].name, word, len) == 0)
			return &options[i];
	return NULL;
}

static int unknown_option(const char *word, unsigned sets, struct err *err)
{
	struct buf known = { 0 };
	args_usage(sets, "", &known);
	int rc = err_set(err, ERR_INVALID, "unknown option %s; the options of this command: %s", word,
					 known.len > 0 ? known.data : "none");
	buf_free(&known);
	return rc;
}

/* Reads the option at argv[0], whose value may be the next of the `left` words. Returns how many words the
 * option took (1 or 2), or ERR_INVALID. */
static int take_option(struct args *a, int left, char **argv, unsigned sets, struct err *err)
{
	const char *equals = strchr(argv[0], '=');
	size_t len = equals != NULL ? (size_t)(equals - argv[0]) : strlen(argv[0]);
	const struct cli_option *o = find(argv[0], len, sets);
	if (o == NULL)
		return unknown_option(argv[0], sets, err);
	if (o->kind == FLAG) {
		if (equals != NULL)
			return err_set(err, ERR_INVALID, "%s takes no value", o->name);
		set_option(a, o, NULL);
		return 1;
	}
	if (equals == NULL && left < 2)
		return err_set(err, ERR_INVALID, "%s needs a value", o->name);
	const char *value = equals != NULL ? equals + 1 : argv[1];
	if (!utf8_valid(str_of(value)))
		return err_set(err, ERR_INVALID, "the value of %s is not valid UTF-8", o->name);
	set_option(a, o, value);
	return equals != NULL ? 1 : 2;
}

/* Options may stand anywhere among the operands; after "--" every word is an operand. A single "-" is an
 * operand, too. */
int args_parse(int argc, char **argv, unsigned sets, struct args *ret, struct err *err)
{
	assert(argc >= 0);
	assert(sets < ARGS_SETS_END);
	*ret = (struct args){ .reason = "" };
	bool only_operands = false;
	for (int i = 0; i < argc;) {
		int used = 1;
		if (!only_operands && strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (!utf8_valid(str_of(argv[i])))
			used = err_set(err, ERR_INVALID, "word %d of the command is not valid UTF-8", i + 1);
		else if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0')
			used = take_option(ret, argc - i, argv + i, sets, err);
		else if (ret->operand_count == ARGS_OPERANDS_MAX)
			used =
				err_set(err, ERR_INVALID, "more than %d operands; use --all with filters", ARGS_OPERANDS_MAX);
		else
			ret->operands[ret->operand_count++] = argv[i];
		if (used < 0) {
			args_finish(ret);
			return used;
		}
		i += used;
	}
	return 0;
}

void args_finish(struct args *a)
{
	assert(a->operand_count <= ARGS_OPERANDS_MAX);
	buf_free(&a->filter);
}

static bool shown(const struct cli_option *o, unsigned sets)
{
	return (o->set & sets) != 0 && o->help != NULL;
}

void args_usage(unsigned sets, const char *operands, struct buf *out)
{
	assert(sets < ARGS_SETS_END && operands != NULL);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct cli_option *o = &options[i];
		if (!shown(o, sets) || strstr(operands, o->name) != NULL)
			continue;
		buf_printf(out, "%s[%s%s%s]", out->len > 0 ? " " : "", o->name, o->value != NULL ? " " : "",
				   o->value != NULL ? o->value : "");
	}
}

/* Names and values are padded to one column, so that the meanings begin in the same place. */
void args_explain(unsigned sets, struct buf *out)
{
	assert(sets < ARGS_SETS_END);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct cli_option *o = &options[i];
		int used = (int)strlen(o->name);
		if (shown(o, sets))
			buf_printf(out, "  %s %-*s %s\n", o->name, used < 18 ? 18 - used : 0,
					   o->value != NULL ? o->value : "", o->help);
	}
}
