/* A golden store of schema 4 in a folder of its own, and what a test asks of a store that was upgraded. */
#ifndef ALMONER_TESTS_UNIT_STORE_UPGRADE_FIXTURE_H
#define ALMONER_TESTS_UNIT_STORE_UPGRADE_FIXTURE_H

#include "saga/base/buf.h"
#include "tests/unit/store/sqlite_factory.h"

struct upgrade_fixture {
	struct sqlite_factory sqlite;
	struct buf old;      /* the golden store, byte by byte */
	struct buf reported; /* what the upgrade reported */
	struct err err;
};

int upgrade_fixture_setup(void **state);
int upgrade_fixture_teardown(void **state);
/* Nothing is in the folder but the golden store. */
void upgrade_fixture_reset(struct upgrade_fixture *t);
/* The path of the store with this ending; the caller's to free(). */
char *upgrade_fixture_name(const struct upgrade_fixture *t, const char *suffix);
/* Opens the store as its writer and closes it. 0 or ERR_*. */
int upgrade_fixture_open(struct upgrade_fixture *t);
/* Runs `run` in a process of its own; gives its exit code. */
int upgrade_fixture_child(struct upgrade_fixture *t, void (*run)(struct upgrade_fixture *t));

void upgrade_fixture_read(const char *path, struct buf *ret);
void upgrade_fixture_write(const char *path, struct str bytes);
/* One value of a file that no connection has open; the caller's to free(). */
char *upgrade_fixture_value(const char *path, const char *sql);

/* Each fails the test unless it is so. */
void upgrade_value_is(const char *path, const char *sql, const char *wanted);
void upgrade_is_old(struct upgrade_fixture *t, const char *path); /* byte by byte */
void upgrade_is_sound(struct upgrade_fixture *t);                 /* verify finds nothing */
void upgrade_is_new(struct upgrade_fixture *t); /* sound and complete, and the old one is kept */
void upgrade_has_only(struct upgrade_fixture *t,
					  const char *const *names); /* the files in the folder; NULL ends */

#endif
