/* almoner-open-store FILE: opens a store as its writer, which brings it to the present schema, and closes it again. Prints
 * what the upgrade reports, one line each. */
#include <stdio.h>

#include "saga/store/store_sqlite.h"

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: almoner-open-store FILE\n");
		return 2;
	}
	struct store_sqlite_options options = { .progress = print_line };
	struct store_writer store;
	struct err err = { 0 };
	if (store_sqlite_open(argv[1], &options, &store, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	store.close(store.ctx);
	return 0;
}
