#include "config/diagnostics.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"

/* More messages would not be read, and a hostile file must not fill the memory with them. Chosen; no
 * measurement. */
#define DIAG_MAX 300

void diagnostics_finish(struct diagnostics *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].file);
		free(list->items[i].pointer);
		free(list->items[i].message);
		free(list->items[i].expected);
	}
	free(list->items);
	*list = (struct diagnostics){ 0 };
}

static struct diagnostic *next_item(struct diagnostics *list)
{
	ARRAY_GROW(list->items, list->count, list->cap);
	return &list->items[list->count++];
}

/* Counts every error, also those that are no longer kept, because the count decides whether loading
 * failed. */
void diagnostics_add(struct diagnostics *list, enum diag_severity severity, const char *file, int line,
					 const char *pointer, const char *message, const char *expected)
{
	if (severity == DIAG_ERROR)
		list->errors++;
	if (list->count >= DIAG_MAX) {
		list->cut_short = true;
		return;
	}
	*next_item(list) = (struct diagnostic){
		.severity = severity,
		.file = mem_strdup(file),
		.line = line,
		.pointer = mem_strdup(pointer),
		.message = mem_strdup(message),
		.expected = expected == NULL ? NULL : mem_strdup(expected),
	};
}

const char *diagnostics_severity_name(enum diag_severity severity)
{
	static const char *const names[] = { [DIAG_ERROR] = "error", [DIAG_WARNING] = "warning" };

	return names[severity];
}

static void print_one(const struct diagnostic *d, struct buf *to)
{
	buf_text(to, d->file);
	if (d->line > 0)
		buf_printf(to, ":%d", d->line);
	buf_printf(to, ": %s: ", diagnostics_severity_name(d->severity));
	if (d->pointer[0] != '\0')
		buf_printf(to, "%s: ", d->pointer);
	buf_text(to, d->message);
	if (d->expected != NULL)
		buf_printf(to, " (expected %s)", d->expected);
	buf_byte(to, '\n');
}

/* Orders two diagnostics by file, by line, and then in the order in which they were found. */
static int by_position(const void *left, const void *right)
{
	const struct diagnostic *a = *(const struct diagnostic *const *)left;
	const struct diagnostic *b = *(const struct diagnostic *const *)right;
	int file = strcmp(a->file, b->file);

	if (file != 0)
		return file;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Sorts pointers to the items: the items stay in the order in which they were found. */
void diagnostics_print(const struct diagnostics *list, struct buf *to)
{
	const struct diagnostic **order;

	if (list->count == 0)
		return;
	order = mem_alloc(list->count * sizeof(struct diagnostic *));
	for (size_t i = 0; i < list->count; i++)
		order[i] = &list->items[i];
	qsort(order, list->count, sizeof(struct diagnostic *), by_position);
	for (size_t i = 0; i < list->count; i++)
		print_one(order[i], to);
	free(order);
	if (list->cut_short)
		buf_text(to, "… and more; correct these first\n");
}
