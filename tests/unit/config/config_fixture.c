#include "tests/unit/config/config_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/reader.h"
#include "saga/base/mem.h"

void fixture_open(struct config_fixture *f)
{
	*f = (struct config_fixture){ .dir = "/tmp/almoner-config-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	f->main_path = mem_printf("%s/main.json", f->dir);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

void fixture_close(struct config_fixture *f)
{
	config_unref(f->config);
	diagnostics_finish(&f->found);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f->main_path);
}

int fixture_setup(void **state)
{
	*state = mem_alloc(sizeof(struct config_fixture));
	fixture_open(*state);
	return 0;
}

int fixture_teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

void fixture_write(struct config_fixture *f, const char *name, const char *text)
{
	char *path AUTO_FREE = mem_printf("%s/%s", f->dir, name);
	char *slash = strchr(path + strlen(f->dir) + 1, '/');
	FILE *file;

	if (slash != NULL) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

void fixture_load(struct config_fixture *f)
{
	config_unref(f->config);
	f->config = NULL;
	diagnostics_finish(&f->found);
	f->code = config_load(f->main_path, &f->hooks, &f->config, &f->found);
	/* Every load must give a configuration, or at least one error. */
	assert_int_equal(f->code == 0, f->config != NULL);
	assert_int_equal(f->code == 0, f->found.errors == 0);
}

void fixture_load_text(struct config_fixture *f, const char *text)
{
	fixture_write(f, "main.json", text);
	fixture_load(f);
}

void fixture_load_good(struct config_fixture *f, const char *text)
{
	fixture_load_text(f, text);
	if (f->code != 0) {
		AUTO_BUF struct buf all = { 0 };

		diagnostics_print(&f->found, &all);
		print_error("%s", all.data);
	}
	assert_int_equal(f->code, 0);
}

static void show_all(struct config_fixture *f)
{
	AUTO_BUF struct buf all = { 0 };

	diagnostics_print(&f->found, &all);
	print_error("complaints:\n%s", all.data == NULL ? "none\n" : all.data);
}

const struct diagnostic *fixture_find(struct config_fixture *f, const char *part)
{
	for (size_t i = 0; i < f->found.count; i++) {
		if (strstr(f->found.items[i].message, part) != NULL)
			return &f->found.items[i];
	}
	show_all(f);
	fail_msg("nothing says \"%s\"", part);
	return NULL;
}

static bool holds(const char *text, const char *part)
{
	return part == NULL || (text != NULL && strstr(text, part) != NULL);
}

void fixture_expect(struct config_fixture *f, enum diag_severity severity, const char *pointer,
					const char *message, const char *expected)
{
	for (size_t i = 0; i < f->found.count; i++) {
		const struct diagnostic *d = &f->found.items[i];

		if (d->severity == severity && strcmp(d->pointer, pointer) == 0 && holds(d->message, message) &&
			holds(d->expected, expected))
			return;
	}
	show_all(f);
	fail_msg("no %s at \"%s\" says \"%s\"", diagnostics_severity_name(severity), pointer, message);
}

char *fixture_source(const char *name)
{
	char *path AUTO_FREE = mem_printf("%s/%s", TEST_SOURCE_ROOT, name);
	struct buf text = { 0 };
	struct err err = { 0 };

	if (document_read_file(path, &text, &err) != 0)
		fail_msg("%s", err.text);
	return buf_take(&text);
}
