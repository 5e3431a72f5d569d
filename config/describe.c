/* The program behind `ninja update-config-docs`: writes almoner.schema.json, and the option reference in
 * README.md and in the manual page, from the option tables into a folder. */
#include "config/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/reader.h"
#include "saga/base/mem.h"

static int write_file(const char *path, struct str text)
{
	FILE *file = fopen(path, "w");
	bool good = file != NULL && fwrite(text.p, 1, text.len, file) == text.len;

	if (file != NULL && fclose(file) != 0)
		good = false;
	if (!good)
		fprintf(stderr, "%s cannot be written: %s\n", path, strerror(errno));
	return good ? 0 : 1;
}

static int write_schema(const char *folder)
{
	char *path AUTO_FREE = mem_printf("%s/almoner.schema.json", folder);
	AUTO_BUF struct buf text = { 0 };

	describe_schema(&text);
	return write_file(path, buf_str(&text));
}

static int write_reference(const char *folder, const char *name,
						   int (*describe)(struct str old, struct buf *to))
{
	char *path AUTO_FREE = mem_printf("%s/%s", folder, name);
	AUTO_BUF struct buf old = { 0 };
	AUTO_BUF struct buf new = { 0 };
	struct err err = { 0 };

	if (document_read_file(path, &old, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (describe(buf_str(&old), &new) != 0) {
		fprintf(stderr, "%s does not contain the two marker lines around its options\n", path);
		return 1;
	}
	return write_file(path, buf_str(&new));
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: describe FOLDER\n");
		return 2;
	}
	return write_schema(argv[1]) | write_reference(argv[1], "README.md", describe_readme) |
		   write_reference(argv[1], "man/almoner.json.5", describe_man);
}
